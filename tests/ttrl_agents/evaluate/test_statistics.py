"""Intervals, permutation test, pass@k and numbers of questions, against their definitions."""

import math
import re
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.evaluate import (
    bootstrap_intervals,
    detectable_difference,
    pass_at_k,
    questions_needed,
    sign_flip_p_value,
    statistics,
)

PAGE = Path(__file__).parents[3] / "docs" / "evaluation.md"


def test_the_width_of_an_interval_is_that_of_the_normal_approximation():
    values = np.random.default_rng(1).random(400)
    (interval,) = bootstrap_intervals(values[:, None])
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert interval.mean == pytest.approx(values.mean())
    assert interval.high - interval.mean == pytest.approx(half, rel=0.1)
    assert interval.mean - interval.low == pytest.approx(half, rel=0.1)


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
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


def test_blocks_of_resamples_bound_the_memory_and_change_nothing_but_the_draws(monkeypatch):
    values = np.random.default_rng(3).random((50, 1))
    (whole,) = bootstrap_intervals(values)
    monkeypatch.setattr(statistics, "_MOST_AT_ONCE", 50 * 7)  # blocks of 7, the last one of 5
    (pieces,) = bootstrap_intervals(values)
    assert pieces == whole  # the same stream of draws, cut elsewhere


def test_intervals_without_a_question_raise_an_error():
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_intervals(np.empty((0, 2)))


@given(st.lists(st.integers(-5, 5), max_size=9))
def test_the_permutation_test_counts_every_pattern_of_signs(differences):
    patterns = [
        sum(sign * each for sign, each in zip(signs, differences, strict=True))
        for signs in product((-1, 1), repeat=len(differences))
    ]
    expected = np.mean([abs(each) >= abs(sum(differences)) for each in patterns])
    assert sign_flip_p_value(differences) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5))
def test_wins_and_losses_alone_give_the_exact_sign_test(wins, losses, ties):
    n, most = wins + losses, max(wins, losses)
    tail = sum(math.comb(n, i) for i in range(most, n + 1)) / 2**n
    expected = min(1.0, 2 * tail)
    found = sign_flip_p_value([1] * wins + [-1] * losses + [0] * ties)
    assert found == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=20), st.integers(1, 7))
def test_direction_order_and_scale_do_not_matter(differences, scale):
    p = sign_flip_p_value(differences)
    assert sign_flip_p_value([-each for each in differences]) == pytest.approx(p)
    assert sign_flip_p_value(sorted(differences)) == pytest.approx(p)
    assert sign_flip_p_value([scale * each for each in differences]) == pytest.approx(p)


def test_the_p_value_is_1_where_nothing_differs():
    assert sign_flip_p_value([]) == sign_flip_p_value([0, 0]) == 1


def test_false_alarms_are_as_rare_as_they_should_be():
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(400):
        difficulty = rng.beta(1, 1, size=40)
        alarms += (
            sign_flip_p_value(rng.binomial(8, difficulty) - rng.binomial(8, difficulty)) < 0.05
        )
    assert alarms / 400 == pytest.approx(0.05, abs=0.025)


@given(st.data())
def test_pass_at_k_is_the_share_of_choices_that_hold_a_right_one(data):
    right = data.draw(st.lists(st.booleans(), min_size=1, max_size=9))
    k = data.draw(st.integers(1, len(right)))
    choices = [any(choice) for choice in combinations(right, k)]
    expected = sum(choices) / len(choices)
    assert pass_at_k(len(right), sum(right), k) == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 2000), st.data())
def test_large_groups_neither_overflow_nor_leave_the_unit_interval(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    value = pass_at_k(n, c, k)
    assert 0 <= value <= 1
    assert (value == 0) == (c == 0)
    assert pass_at_k(n, c, 1) == pytest.approx(c / n)
    assert value <= pass_at_k(n, c, min(n, k + 1)) + 1e-12


def test_pass_at_k_is_unbiased_where_the_plain_estimate_is_not():
    rng = np.random.default_rng(0)
    chance, n, k = 0.2, 8, 4
    counts = rng.binomial(n, chance, size=20_000)
    truth = 1 - (1 - chance) ** k
    unbiased = np.array([pass_at_k(n, c, k) for c in range(n + 1)])[counts].mean()
    plain = (1 - (1 - counts / n) ** k).mean()
    assert abs(unbiased - truth) < 0.005
    assert truth - plain > 0.02


@pytest.mark.parametrize(("n", "c", "k"), [(4, 5, 1), (4, -1, 1), (4, 2, 0), (4, 2, 5)])
def test_impossible_numbers_of_completions_are_named(n, c, k):
    with pytest.raises(ValueError, match=f"n={n} .* c={c} .* k={k}"):
        pass_at_k(n, c, k)


def test_questions_needed_and_the_detectable_difference_are_inverse():
    for difference in (0.01, 0.05, 0.2):
        n = questions_needed(difference, 0.3)
        assert detectable_difference(n, 0.3) <= difference < detectable_difference(n - 1, 0.3)


def test_so_many_questions_show_the_difference_four_times_in_five():
    rng = np.random.default_rng(0)
    n = questions_needed(0.1, math.sqrt(0.24 + 0.25) / math.sqrt(16))
    seen = 0
    for _ in range(300):
        worse, better = rng.binomial(16, 0.4, size=n), rng.binomial(16, 0.5, size=n)
        seen += sign_flip_p_value(better - worse) < 0.05
    assert seen / 300 == pytest.approx(0.8, abs=0.08)


def test_the_table_in_the_documentation_is_computed():
    text = PAGE.read_text(encoding="utf-8")
    deviations = [
        float(each) for each in re.findall(r"s = (0\.\d+)", text.split("\n| x |")[1].split("\n")[0])
    ]
    rows = re.findall(r"^\| (\d+) points \|(.*)\|$", text, re.MULTILINE)
    assert len(rows) >= 4
    for points, cells in rows:
        numbers = [int(cell.replace(",", "")) for cell in cells.split("|")]
        expected = [questions_needed(int(points) / 100, each) for each in deviations]
        assert numbers == expected, points
