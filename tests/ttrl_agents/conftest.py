"""A small random policy for the agents' tests, and one thread so that runs repeat exactly."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
import torch
from transformers import AutoTokenizer

from ttrl_agents.policy.policy import Policy
from ttrl_agents.tiny import checkpoint_path
from ttrl_agents.tiny.random_policy import random_policy as make_random_policy


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer():
    return AutoTokenizer.from_pretrained(checkpoint_path())


@pytest.fixture
def random_policy() -> Policy:
    """A two-layer model with random weights: every token is likely, nothing is learned."""
    return make_random_policy()
