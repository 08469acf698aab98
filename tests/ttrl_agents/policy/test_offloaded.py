"""A reference that waits in main memory: the same numbers, and away while gradients exist."""

import numpy as np
import pytest
import torch

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.policy.offloaded import Offloaded
from ttrl_agents.rollout import Rollout

PROMPTS = [f"{q} + {q} = ?" for q in range(2) for _ in range(4)]


def learn(policy, **options):
    config = TrainConfig(
        questions_per_step=2, n_votes=4, max_tokens=8, device="cpu", kl_coef=0.1, **options
    )
    agent = PolicyGradientAgent(policy, config)
    drawn = agent.act(PROMPTS, 0)
    rewards = np.tile([1.0, 0.0], 4)
    return agent, agent.learn(Rollout(PROMPTS, drawn, rewards, np.zeros(8, dtype=bool), 4))


def test_a_step_gives_the_same_with_it(random_policy):
    begin = {name: each.clone() for name, each in random_policy.model.state_dict().items()}
    _, expected = learn(random_policy)
    random_policy.model.load_state_dict(begin)
    agent, found = learn(random_policy, offload_reference=True)
    assert agent._offloaded is not None
    assert found == expected


def test_it_is_on_its_device_for_its_pass_alone(random_policy, monkeypatch):
    """Two names for main memory stand for it and the GPU: what is on the "GPU" is a copy."""
    model = torch.nn.Linear(2, 2)
    model.device = torch.device("cpu")
    away = Offloaded(model)
    kept = model.weight.data_ptr()
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *_, **__: self.clone())
    with away.brought_back():
        assert model.weight.data_ptr() != kept
    assert model.weight.data_ptr() == kept
    with pytest.raises(RuntimeError), away.brought_back():
        raise RuntimeError
    assert model.weight.data_ptr() == kept


def test_with_lora_there_is_nothing_to_put_away(random_policy):
    config = TrainConfig(kl_coef=0.1, offload_reference=True, lora_rank=2, device="cpu")
    agent = PolicyGradientAgent(random_policy, config, reference=random_policy)
    assert agent._offloaded is None
    assert isinstance(agent._reference, LogProbs)
