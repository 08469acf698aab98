"""A random policy on disk, and environments that it writes into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from stable_baselines3.common.vec_env import VecEnv

from ttrl_agents.policy.policy import Policy
from ttrl_agents.sb3 import CausalLMActorCriticPolicy, make_token_envs
from ttrl_env.integrations.sb3 import SB3VecEnv


@pytest.fixture
def model_path(random_policy: Policy, tmp_path: Path) -> str:
    # Ends come often, so that members of a group wait for each other.
    with torch.no_grad():
        table = random_policy.model.get_output_embeddings().weight
        table[random_policy.end_token_ids[0]] *= 3.0
    random_policy.save(tmp_path / "model")
    return str(tmp_path / "model")


@pytest.fixture
def make_envs(random_policy: Policy) -> Any:
    def make(num_envs: int = 6, group_size: int = 3, **options: Any) -> VecEnv:
        options = {"max_tokens": 8, **options}
        envs = make_token_envs("TTRL-Arithmetic-v0", random_policy, num_envs, group_size, **options)
        return SB3VecEnv(envs)

    return make


@pytest.fixture
def make_policy(model_path: str) -> Any:
    def make(vec_env: VecEnv, **options: Any) -> CausalLMActorCriticPolicy:
        options = {"model": model_path, **options}
        policy = CausalLMActorCriticPolicy(
            vec_env.observation_space, vec_env.action_space, lambda _: 1e-3, **options
        )
        torch.nn.init.normal_(policy.value_net.weight, std=0.1)  # values that tell states apart
        policy.set_training_mode(False)
        return policy

    return make
