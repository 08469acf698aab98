"""EMPO: cluster shares behind an entropy gate."""

from __future__ import annotations

import math

import pytest
from env_fakes import vote_of

from ttrl_env.consensus import EMPO


def test_shares_where_the_gate_is_open() -> None:
    # p = 1/2, 1/4, 1/4: H = 1.04 < log 4 = 1.386
    verdict = EMPO()(vote_of([7, 7, 8, 9]))
    assert verdict.rewards.tolist() == [0.5, 0.5, 0.25, 0.25]
    assert verdict.pseudo_label == 0
    assert not verdict.abstains


@pytest.mark.parametrize("size", [2, 3, 6, 7, 10, 49])
def test_nobody_agrees_and_the_gate_is_shut(size: int) -> None:
    assert EMPO()(vote_of(list(range(size)))).abstains
    # An absent answer agrees with nobody, other absent answers included.
    assert EMPO()(vote_of([1] + [-1] * (size - 1))).abstains


def test_the_bounds_are_shares_of_the_largest_entropy() -> None:
    entropy = (0.5 * math.log(2) + 0.5 * math.log(4)) / math.log(4)  # 0.75
    ballot = vote_of([7, 7, 8, 9])
    assert not EMPO(high=entropy + 0.01)(ballot).abstains
    assert EMPO(high=entropy - 0.01)(ballot).abstains
    assert not EMPO(low=entropy - 0.01)(ballot).abstains
    assert EMPO(low=entropy + 0.01)(ballot).abstains
    unanimous = vote_of([7, 7, 7, 7])
    assert EMPO(low=0.1)(unanimous).abstains
    assert EMPO()(unanimous).rewards.tolist() == [1, 1, 1, 1]
    with pytest.raises(ValueError, match="low must be less than high"):
        EMPO(low=0.5, high=0.5)
