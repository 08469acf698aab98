"""EVOL-RL: bands for the majority and the others, and novelty within them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, vote, vote_of
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env.consensus import EvolRL
from ttrl_env.consensus.rewards.evol_rl import word_vectors


def embedded(*vectors: Sequence[float]) -> EvolRL:
    """The reward with these vectors, whatever the texts are."""
    return EvolRL(embed=lambda texts: np.array(vectors))


def test_novelty_is_relative_to_the_side_and_to_the_nearest_of_all() -> None:
    ballot = vote_of([1, 1, 1, 2])
    verdict = embedded([1, 0], [2, 0], [0, 1], [1, 1])(ballot)
    # u = 1 - (1/2 + 1)/2 = 0.25 for the first two, 1 - (0 + 0.707)/2 = 0.646 for the third.
    assert verdict.rewards.tolist() == [0.5, 0.5, 1.0, -0.5]
    assert verdict.pseudo_label == 0
    assert (verdict.advantages, verdict.weights) == (None, None)


def test_both_sides_are_stretched_each_for_itself() -> None:
    ballot = vote_of([1, 1, 1, 2, 3, 4])
    near, far = 0.8, 0.6  # cosines with the first axis
    vectors = [
        [1, 0, 0, 0],
        [near, 0.6, 0, 0],
        [far, 0.8, 0, 0],
        [0, 0, 1, 0],
        [0, 0, near, 0.6],
        [0, 0, far, 0.8],
    ]
    # Of three at 0°, 36.9° and 53.1°: cosines 0.8, 0.6, and 0.96 between the last two.
    novelty = 1 - np.array([(0.7 + 0.8) / 2, (0.88 + 0.96) / 2, (0.78 + 0.96) / 2])
    share = (novelty - novelty.min()) / (novelty.max() - novelty.min())
    expected = [*(0.5 + 0.5 * share), *(-1 + 0.5 * share)]
    np.testing.assert_allclose(embedded(*vectors)(ballot).rewards, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 1, 1], [0.75] * 3),
        ([1], [1.0]),
        ([1, 1, 2], [0.75, 0.75, -0.5]),
        ([1, 1, 1, 2, 2], [0.75] * 3 + [-0.75] * 2),
        ([1, 1, -1], [0.75, 0.75, -1.0]),
    ],
)
def test_equal_novelty_is_the_middle_and_a_side_of_one_is_its_top(
    values: list[int], expected: list[float]
) -> None:
    assert EvolRL()(vote_of(values)).rewards.tolist() == expected


def test_what_is_written_differently_earns_more() -> None:
    plain = "First 2 + 3 = 5. Then 5 + 4 = 9. "
    other = "Adding all three at once gives the total. "
    texts = [plain + boxed(9), plain + boxed("09"), other + boxed(9), plain + boxed(8), NO_ANSWER]
    rewards = EvolRL()(vote(texts)).rewards
    assert rewards.tolist() == [0.5, 0.5, 1.0, -0.5, -1.0]


def test_thoughts_that_are_marked_are_not_compared() -> None:
    texts = [f"<think>{word}</think>So {boxed(9)}" for word in ("one", "two", "three")]
    assert EvolRL()(vote(texts)).rewards.tolist() == [0.75] * 3


@given(
    values=st.lists(st.integers(-1, 3), min_size=1, max_size=10),
    works=st.lists(st.sampled_from(["a b c ", "a b d ", "x y ", ""]), min_size=10, max_size=10),
)
def test_the_majority_lies_above_one_half_and_the_rest_below_minus_one_half(
    values: list[int], works: list[str]
) -> None:
    texts = [
        work + (NO_ANSWER if value < 0 else boxed(value))
        for work, value in zip(works, values, strict=False)
    ]
    ballot = vote(texts)
    verdict = EvolRL()(ballot)
    if verdict.abstains:
        assert not ballot.answered.any()
        return
    agree = ballot.classes == verdict.pseudo_label
    assert ((verdict.rewards[agree] >= 0.5) & (verdict.rewards[agree] <= 1)).all()
    assert ((verdict.rewards[~agree] >= -1) & (verdict.rewards[~agree] <= -0.5)).all()
    if len(set(verdict.rewards[agree])) > 1:
        assert {0.5, 1.0} <= set(verdict.rewards[agree])


def test_words_and_pairs_are_counted_whatever_their_case() -> None:
    one, other = word_vectors(["The the cat", ""])
    assert one.sum() == 3 + 2
    assert one.max() == 2
    assert not other.any()


@pytest.mark.parametrize("vectors", [np.zeros(3), np.zeros((2, 4)), np.full((3, 4), np.nan)])
def test_vectors_that_cannot_be_compared_are_named(vectors: Any) -> None:
    with pytest.raises(ValueError, match="embed must return one finite vector for each of 3"):
        EvolRL(embed=lambda texts: vectors)(vote_of([1, 2, 3]))
