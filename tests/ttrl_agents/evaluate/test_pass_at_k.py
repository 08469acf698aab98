"""pass@k against what it means: counting every choice of k completions."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.evaluate import pass_at_k


@given(st.data())
def test_it_is_the_share_of_choices_that_hold_a_right_one(data):
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


def test_it_is_unbiased_where_the_plain_estimate_is_not():
    rng = np.random.default_rng(0)
    chance, n, k = 0.2, 8, 4
    counts = rng.binomial(n, chance, size=20_000)
    truth = 1 - (1 - chance) ** k
    unbiased = np.array([pass_at_k(n, c, k) for c in range(n + 1)])[counts].mean()
    plain = (1 - (1 - counts / n) ** k).mean()
    assert abs(unbiased - truth) < 0.005
    assert truth - plain > 0.02


@pytest.mark.parametrize(("n", "c", "k"), [(4, 5, 1), (4, -1, 1), (4, 2, 0), (4, 2, 5)])
def test_impossible_numbers_are_named(n, c, k):
    with pytest.raises(ValueError, match=f"n={n} .* c={c} .* k={k}"):
        pass_at_k(n, c, k)
