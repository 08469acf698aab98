"""Negative entropy: the mean over tokens, all or the last."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import vote_of

from ttrl_env.consensus import NegativeEntropy


def test_negative_entropy_is_the_mean_over_tokens() -> None:
    ballot = vote_of([1, 2, -1], entropies=[[0.5, 1.5], [0.25], [0.0]])
    assert NegativeEntropy()(ballot).rewards.tolist() == [-1, -0.25, -1]


@pytest.mark.parametrize(("tail", "reward"), [(1.0, -2.5), (0.5, -3.5), (0.25, -4), (0.0, -4)])
def test_the_last_tokens_can_count_alone(tail: float, reward: float) -> None:
    ballot = vote_of([1], entropies=[np.array([1.0, 2.0, 3.0, 4.0])])
    assert NegativeEntropy(tail=tail)(ballot).rewards.tolist() == [reward]
