"""A policy for the pages whose reader has one: it answers 0, 1 and 2 in turn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Policy:
    """A policy that counts what it was rewarded."""

    def __init__(self) -> None:
        self.rewarded = 0

    def __call__(self, prompts: Sequence[str]) -> list[str]:
        """Returns an answer to each prompt."""
        return [f"\\boxed{{{i % 3}}}" for i, _ in enumerate(prompts)]

    def learn(self, rewards: np.ndarray) -> None:
        """Adds the rewards up."""
        self.rewarded += int(rewards.sum())


my_policy = Policy()
