"""The order of questions: pure, without repeats in an epoch, and skipping nobody."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env.envs import QuestionOrder
from ttrl_env.envs.question_order import _permutation

seeds = st.integers(0, 2**63)
sizes = st.integers(1, 40)


@given(seeds, sizes, st.integers(0, 5))
def test_every_epoch_shows_each_question_once(seed: int, size: int, epoch: int) -> None:
    order = QuestionOrder(size, seed)
    shown = [order[position] for position in range(epoch * size, (epoch + 1) * size)]
    assert sorted(shown) == list(range(size))


@given(seeds, sizes, st.lists(st.integers(0, 500), min_size=1, max_size=20))
def test_it_is_a_pure_function_of_its_arguments(seed: int, size: int, positions: list[int]) -> None:
    forwards = {position: QuestionOrder(size, seed)[position] for position in positions}
    _permutation.cache_clear()  # the memory of earlier orders changes nothing
    order = QuestionOrder(size, seed)
    assert {position: order[position] for position in reversed(positions)} == forwards


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    epochs = {tuple(QuestionOrder(20, 0)[e * 20 + i] for i in range(20)) for e in range(10)}
    by_seed = {tuple(QuestionOrder(20, seed)[i] for i in range(20)) for seed in range(10)}
    assert len(epochs) == len(by_seed) == 10


def test_the_first_question_is_fair() -> None:
    firsts = Counter(QuestionOrder(4, seed)[0] for seed in range(800))
    assert all(150 < firsts[question] < 250 for question in range(4))


def test_no_global_generator_is_read_or_written() -> None:
    np.random.seed(1)  # noqa: NPY002 - the global generator is what must be left alone
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = [QuestionOrder(9, 3)[i] for i in range(9)]
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    _permutation.cache_clear()
    assert [QuestionOrder(9, 3)[i] for i in range(9)] == first


def test_its_memory_is_bounded() -> None:
    for seed in range(200):
        _ = QuestionOrder(5, seed)[0]
    assert _permutation.cache_info().currsize <= 64


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="not -1"):
        QuestionOrder(3, -1)
