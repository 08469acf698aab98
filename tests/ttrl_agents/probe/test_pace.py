"""The predicted time until votes agree."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.probe.pace import PACE, TARGET, share_after, steps_to_agreement

INSIDE = st.floats(0.01, 0.99)


@given(INSIDE, st.floats(0, 5), st.floats(0, 5))
def test_two_ways_add_up_and_a_share_never_falls(share, one, other):
    assert share_after(share_after(share, one), other) == pytest.approx(
        share_after(share, one + other), abs=1e-9
    )
    assert share_after(share, one) >= share - 1e-12


def test_a_share_moves_as_the_expected_gradient_says():
    share, step = 0.3, 1e-6
    slope = (share_after(share, step) - share) / step
    # dp/du, where du/dp is half of (p (1 - p)) ** -1.5.
    assert slope == pytest.approx(2 * (share * (1 - share)) ** 1.5, rel=1e-4)


def test_a_policy_of_one_choice_moves_as_predicted():
    """Exact policy gradients of GRPO on the log-odds of one answer, in small steps."""
    theta, rate = math.log(0.2 / 0.8), 0.01
    for _ in range(500):
        p = 1 / (1 + math.exp(-theta))
        advantage_1, advantage_0 = np.sqrt((1 - p) / p), -np.sqrt(p / (1 - p))
        theta += rate * (p * advantage_1 * (1 - p) + (1 - p) * advantage_0 * (0 - p))
    # dtheta is sqrt(p q), so that du is half of dt.
    assert 1 / (1 + math.exp(-theta)) == pytest.approx(share_after(0.2, 500 * rate / 2), abs=2e-3)


@given(st.lists(INSIDE, min_size=1, max_size=8))
def test_the_target_is_reached_when_it_says(shares):
    steps = steps_to_agreement(shares)
    assert steps is not None
    reached = np.mean([share_after(each, steps * PACE) for each in shares])
    assert reached >= TARGET - 1e-9
    if steps:
        assert reached == pytest.approx(TARGET, abs=1e-6)


def test_agreed_questions_are_there_and_silent_ones_never_come():
    assert steps_to_agreement([1.0, 0.95]) == 0
    assert steps_to_agreement([0.0] + [0.5] * 3) is None
    assert steps_to_agreement([0.0] + [0.5] * 99) is not None
