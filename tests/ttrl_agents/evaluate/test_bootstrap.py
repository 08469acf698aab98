"""Intervals: how wide they are, what they cover, and that they repeat."""

import math

import numpy as np
import pytest

from ttrl_agents.evaluate import bootstrap as module
from ttrl_agents.evaluate import bootstrap_intervals


def test_the_width_is_that_of_the_normal_approximation():
    values = np.random.default_rng(1).random(400)
    (interval,) = bootstrap_intervals(values[:, None])
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert interval.mean == pytest.approx(values.mean())
    assert interval.high - interval.mean == pytest.approx(half, rel=0.1)
    assert interval.mean - interval.low == pytest.approx(half, rel=0.1)


def test_it_covers_the_truth_about_as_often_as_it_says():
    # Questions of differing difficulty, several completions each, as in an evaluation.
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        difficulty = rng.beta(1, 2, size=60)
        means = rng.binomial(8, difficulty) / 8
        (interval,) = bootstrap_intervals(means[:, None])
        covered += interval.low <= 1 / 3 <= interval.high
    assert 0.91 <= covered / 300 <= 0.98


def test_columns_share_their_draws_and_equal_values_have_equal_intervals():
    values = np.random.default_rng(2).random(30)
    one, other, doubled = bootstrap_intervals(np.stack([values, values, 2 * values], axis=1))
    assert one == other
    assert doubled.low == pytest.approx(2 * one.low)


def test_blocks_bound_the_memory_and_change_nothing_but_the_draws(monkeypatch):
    values = np.random.default_rng(3).random((50, 1))
    (whole,) = bootstrap_intervals(values)
    monkeypatch.setattr(module, "_MOST_AT_ONCE", 50 * 7)  # blocks of 7, the last one of 5
    (pieces,) = bootstrap_intervals(values)
    assert pieces == whole  # the same stream of draws, cut elsewhere


def test_no_question_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_intervals(np.empty((0, 2)))
