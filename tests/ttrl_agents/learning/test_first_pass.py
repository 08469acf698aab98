"""The passes of an update where rows are packed: none that tells nothing new."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.instruments.sampler_agreement import SamplerCheck, SamplerDisagreesError
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.rollout import Rollout
from ttrl_env.completion import Completion

QUESTIONS, VOTES = 4, 4
PROMPTS = [f"{q} + {q} = ?" for q in range(QUESTIONS) for _ in range(VOTES)]


def agent_of(policy, **options):
    config = TrainConfig(
        questions_per_step=QUESTIONS, n_votes=VOTES, max_tokens=12, device="cpu",
        warmup_steps=0, **{"learning_rate": 1e-2, "pack_rows": "yes", **options},
    )  # fmt: skip
    return PolicyGradientAgent(policy, config)


def rollout_of(agent, rewards=(1.0, 0.0)):
    return Rollout(
        PROMPTS, agent.act(PROMPTS, 0), np.tile(rewards, len(PROMPTS) // 2),
        np.zeros(len(PROMPTS), dtype=bool), VOTES,
    )  # fmt: skip


@pytest.fixture
def passes(monkeypatch):
    """Completions that are run through a model, with and without a gradient."""
    run = {True: 0, False: 0}
    outputs = LogProbs.outputs

    def counted(self, batch):
        run[torch.is_grad_enabled()] += len(batch.completions)
        return outputs(self, batch)

    monkeypatch.setattr(LogProbs, "outputs", counted)
    return run


@pytest.mark.parametrize(
    ("options", "trained", "scored"),
    [
        ({}, 1, 0),
        ({"kl_coef": 0.1}, 1, 1),
        ({"minibatches": 4}, 1, 3 / 4),
        ({"minibatches": 4, "kl_coef": 0.1}, 1, 1 + 3 / 4),
        ({"minibatches": 4, "kl_coef": 0.1, "old_log_probs": "sampler"}, 1, 1),
        ({"minibatches": 4, "old_log_probs": "sampler"}, 1, 0),
        ({"minibatches": 2, "epochs": 2}, 2, 1 / 2),
        ({"minibatches": 4, "pack_rows": "no"}, 1, 1),  # on CPU, the reference, as it was
    ],
)
def test_the_first_minibatch_is_scored_by_the_pass_of_its_gradient(
    random_policy, passes, options, trained, scored
):
    agent = agent_of(random_policy, **options)
    rollout = rollout_of(agent)
    passes[True] = passes[False] = 0
    agent.learn(rollout)
    assert passes == {True: trained * len(PROMPTS), False: scored * len(PROMPTS)}


def test_what_the_first_pass_gives_is_what_a_pass_of_its_own_would(random_policy, monkeypatch):
    metrics = {}
    begin = {name: each.clone() for name, each in random_policy.model.state_dict().items()}
    for records in (True, False):
        random_policy.model.load_state_dict(begin)
        agent = agent_of(random_policy, minibatches=2, epochs=2)
        with monkeypatch.context() as patch:
            if not records:
                patch.setattr(PolicyGradientAgent, "_records_old", False)
            metrics[records] = agent.learn(rollout_of(agent))
    assert metrics[True]["ratio_max"] > 1.01
    assert metrics[True] == pytest.approx(metrics[False], rel=1e-3, abs=1e-5)


def test_the_sampler_is_compared_without_a_pass_of_its_own(random_policy, passes):
    agent = agent_of(random_policy)
    rollout = rollout_of(agent)
    check = SamplerCheck(random_policy, agent.config)
    assert agent.compare_with_sampler(check)
    passes[True] = passes[False] = 0
    metrics = agent.learn(rollout)
    assert passes == {True: len(PROMPTS), False: 0}
    assert 0 < metrics["sampler_gap"] < 1e-4
    assert metrics["sampler_gap"] <= metrics["sampler_gap_max"]


def test_a_stale_sampler_is_found_before_anything_moves(random_policy):
    agent = agent_of(random_policy)
    rollout = rollout_of(agent)
    agent.compare_with_sampler(SamplerCheck(random_policy, agent.config))
    with torch.no_grad():
        random_policy.model.model.embed_tokens.weight.mul_(1.1)
    before = {name: each.clone() for name, each in random_policy.model.state_dict().items()}
    with pytest.raises(SamplerDisagreesError, match=r"In step 1 .* nats per token on average"):
        agent.learn(rollout)
    now = random_policy.model.state_dict()
    assert all(torch.equal(now[name], each) for name, each in before.items())


def test_where_nothing_is_learned_the_comparison_has_a_pass_of_its_own(random_policy):
    agent = agent_of(random_policy)
    rollout = rollout_of(agent, rewards=(1.0, 1.0))
    agent.compare_with_sampler(SamplerCheck(random_policy, agent.config))
    assert agent.learn(rollout)["sampler_gap"] < 1e-4


def test_padded_rows_leave_the_comparison_to_the_trainer(random_policy):
    agent = agent_of(random_policy, pack_rows="no")
    assert not agent.compare_with_sampler(SamplerCheck(random_policy, agent.config))
    assert "sampler_gap" not in agent.learn(rollout_of(agent))


def test_completions_without_log_probs_cannot_be_compared(random_policy):
    agent = agent_of(random_policy)
    rollout = rollout_of(agent)
    agent.compare_with_sampler(SamplerCheck(random_policy, agent.config))
    bare = [Completion(str(each), token_ids=each.token_ids) for each in rollout.completions]
    with pytest.raises(ValueError, match="no log-probabilities"):
        agent.learn(replace(rollout, completions=bare))
