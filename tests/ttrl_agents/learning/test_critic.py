"""The critic: it expects nothing at first, learns what to expect, and is restored exactly."""

import pytest
import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.learning.critic import Critic
from ttrl_agents.learning.losses import Counts
from ttrl_agents.policy.token_batch import TokenBatch
from ttrl_agents.tiny.random_policy import random_policy as make_random_policy


@pytest.fixture
def batch():
    rows = [(5, 6), (5, 6)], [[7, 8, 9], [10]]
    return TokenBatch.from_ids(*rows, pad_token_id=0)


def make_critic(policy):
    return Critic(policy, learning_rate=1e-2, betas=(0.9, 0.999), weight_decay=0.0)


def learn(critic, batch, returns, times):
    losses = []
    old = critic(batch).detach()
    for _ in range(times):
        counts = Counts.of(batch.completion_mask)
        losses.append(critic.add_gradient(batch, old, returns, clip=100.0, counts=counts))
        critic.optimizer.step()
        critic.optimizer.zero_grad()
    return losses


def test_before_it_has_learned_it_expects_nothing(random_policy, batch):
    values = make_critic(random_policy)(batch)
    assert values.shape == (2, 3)
    assert (values == 0).all()


def test_it_learns_the_returns_and_leaves_the_policy_alone(random_policy, batch):
    before = {name: each.clone() for name, each in random_policy.model.named_parameters()}
    critic, returns = make_critic(random_policy), torch.tensor([[1.0, 0.5, 0.0], [1.0, 0.0, 0.0]])
    losses = learn(critic, batch, returns, 60)
    assert losses[-1] < losses[0] / 20
    mask = batch.completion_mask
    assert torch.allclose(critic(batch)[mask], returns[mask], atol=0.2)
    assert (critic(batch)[~mask] == 0).all()
    for name, each in random_policy.model.named_parameters():
        assert torch.equal(each, before[name])


def test_one_that_was_restored_goes_on_to_the_same_weights(random_policy, batch):
    returns = torch.ones(2, 3)
    critic = make_critic(random_policy)
    learn(critic, batch, returns, 2)
    saved = {name: each.clone() for name, each in critic.tensors().items()}
    again = make_critic(make_random_policy())
    again.restore(saved)
    for each in (critic, again):
        learn(each, batch, returns, 2)
    for one, other in zip(critic.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_state_of_another_critic_raises_an_error(random_policy):
    critic = make_critic(random_policy)
    saved = critic.tensors()
    saved["weights/head.weight"] = torch.zeros(1, 7)
    with pytest.raises(AgentError, match=r"head\.weight has shape \(1, 32\) here.*\(1, 7\) there"):
        critic.restore(saved)
    del saved["weights/head.weight"]
    with pytest.raises(AgentError, match="there is nothing there"):
        critic.restore(saved)


def test_an_experience_without_values_raises_an_error(random_policy, batch):
    counts = Counts.of(batch.completion_mask)
    with pytest.raises(ValueError, match="has not seen"):
        make_critic(random_policy).add_gradient(batch, None, None, clip=0.2, counts=counts)
