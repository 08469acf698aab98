"""The permutation test against closed forms and full enumeration."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.evaluate import sign_flip_p_value


@given(st.lists(st.integers(-5, 5), max_size=9))
def test_it_counts_every_pattern_of_signs(differences):
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


def test_nothing_differs():
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
