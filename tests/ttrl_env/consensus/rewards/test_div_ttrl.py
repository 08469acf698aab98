"""DIV-TTRL: agreement by pass@k, variety by draws without replacement."""

from __future__ import annotations

from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from env_fakes import vote_of
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_env.consensus import DivTTRL
from ttrl_env.consensus.rewards.common import group_advantages
from ttrl_env.consensus.rewards.div_ttrl import pass_at_k_advantages, variety_advantages

groups = st.lists(st.integers(-1, 3), min_size=2, max_size=7)


def worths(classes: list[int], k: int, worth: object) -> tuple[np.ndarray, float]:
    """What a draw of k that holds each completion is worth, by trying all; and any draw."""
    draws = list(combinations(range(len(classes)), k))
    values = [worth([classes[i] for i in draw]) for draw in draws]  # type: ignore[operator]
    holding = [
        np.mean([value for value, draw in zip(values, draws, strict=True) if i in draw])
        for i in range(len(classes))
    ]
    return np.array(holding), float(np.mean(values))


def test_variety_by_hand() -> None:
    # Of 4, two say 1, one says 2, one says 3; draws of 2. A draw with a 1 holds the other 1 in one
    # case of three: R = (1 + 2/3)/2; one with a 2 always holds something else: R = 1.
    advantages = variety_advantages(vote_of([1, 1, 2, 3]), k=2)
    worth = np.array([5 / 6, 5 / 6, 1, 1])
    expected = (worth - worth.mean()) / sqrt(worth.var() + 1e-6)
    np.testing.assert_allclose(advantages, expected, rtol=1e-12)


@settings(max_examples=40)
@given(values=groups, data=st.data())
def test_variety_is_what_trying_all_draws_gives(values: list[int], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(values)))
    ballot = vote_of(values)
    classes = ballot.classes.tolist()
    held, mean = worths(classes, k, lambda draw: len(set(draw) - {-1}) / k)
    assert held.mean() == pytest.approx(mean)
    expected = (held - held.mean()) / sqrt(held.var() + 1e-6)
    np.testing.assert_allclose(variety_advantages(ballot, k), expected, atol=1e-9)


@settings(max_examples=40)
@given(values=groups, data=st.data())
def test_agreement_is_what_trying_all_draws_gives(values: list[int], data: st.DataObject) -> None:
    size, k = len(values), data.draw(st.integers(1, len(values)))
    votes = sum(value == 1 for value in values)
    held, mean = worths(values, k, lambda draw: float(1 in draw))
    spread = sqrt(mean * (1 - mean))
    those, others = pass_at_k_advantages(votes, size, k)
    if spread < 1e-6:
        assert (those, others) == (0, 0)
        return
    found = [those if value == 1 else others for value in values]
    np.testing.assert_allclose(found, (held - mean) / spread, atol=1e-9)


@given(values=groups, position=st.integers(0, 30), k=st.integers(1, 9))
def test_advantages_sum_to_nothing(values: list[int], position: int, k: int) -> None:
    ballot = vote_of(values)
    verdict = DivTTRL(k=k, seed=position)(ballot)
    if ballot.answered.any():
        assert verdict.advantages is not None
        assert verdict.advantages.sum() == pytest.approx(0, abs=1e-6)


def test_the_coin_follows_the_majority_ratio() -> None:
    ballot = vote_of([1, 1, 1, 2])
    plain = group_advantages(np.array([1.0, 1, 1, 0]))
    rewards = [DivTTRL(k=2, agreed="group", seed=seed)(ballot) for seed in range(300)]
    agreed = [np.array_equal(each.advantages, plain) for each in rewards]  # type: ignore[arg-type]
    assert 0.65 < np.mean(agreed) < 0.85  # m = 0.75
    varied = rewards[agreed.index(False)].advantages
    np.testing.assert_array_equal(varied, variety_advantages(ballot, 2))
    assert all(each.rewards.tolist() == [1, 1, 1, 0] for each in rewards)


def test_a_unanimous_group_teaches_nothing() -> None:
    for seed in range(20):
        verdict = DivTTRL(seed=seed)(vote_of([1] * 8))
        assert verdict.advantages is not None
        assert not verdict.advantages.any()


@pytest.mark.parametrize("k", [4, 8])
def test_a_group_that_is_not_larger_than_a_draw_is_drawn_by_half(k: int) -> None:
    for seed in range(20):  # whichever way the coin falls
        for values in ([1, 1, 2, 3], [1, 2, 3, -1], [1, 2, 2, -1]):
            verdict = DivTTRL(k=k, seed=seed)(vote_of(values))
            assert verdict.advantages is not None
            assert verdict.advantages.any()
            half = DivTTRL(k=2, seed=seed)(vote_of(values)).advantages
            np.testing.assert_array_equal(verdict.advantages, half)


def test_a_majority_that_every_draw_holds_teaches_nothing() -> None:
    assert pass_at_k_advantages(votes=9, size=16, k=8) == (0, 0)
    assert pass_at_k_advantages(votes=8, size=16, k=8) != (0, 0)


@pytest.mark.parametrize("options", [{"k": 0}, {"k": 2.5}, {"agreed": "grpo"}, {"seed": -1}])
def test_options_out_of_range_are_named(options: dict) -> None:
    with pytest.raises(ValueError, match="must be"):
        DivTTRL(**options)
