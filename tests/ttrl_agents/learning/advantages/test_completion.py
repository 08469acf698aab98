"""Advantages of completions: golden values, and what all of them have in common."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.learning.advantages import (
    batch_advantages,
    group_advantages,
    leave_one_out_advantages,
    length_weighted_advantages,
    mean_ratio_advantages,
    overlong_penalty,
)

ONE_OF_FOUR = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
BY_GROUP = {
    "grpo": group_advantages,
    "dr-grpo": lambda rewards: group_advantages(rewards, scale_by_std=False),
    "rloo": leave_one_out_advantages,
    "maxrl": mean_ratio_advantages,
    "opo": lambda rewards: length_weighted_advantages(rewards, torch.ones_like(rewards)),
}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (group_advantages(ONE_OF_FOUR, epsilon=1e-4), [1.49970, -0.49990, -0.49990, -0.49990]),
        (group_advantages(ONE_OF_FOUR, scale_by_std=False), [0.75, -0.25, -0.25, -0.25]),
        (leave_one_out_advantages(ONE_OF_FOUR), [1, -1 / 3, -1 / 3, -1 / 3]),
        (mean_ratio_advantages(ONE_OF_FOUR), [3, -1, -1, -1]),
        (
            length_weighted_advantages(ONE_OF_FOUR, torch.tensor([[5, 1, 2, 2]])),
            [0.5, -0.5, -0.5, -0.5],
        ),
        (batch_advantages(ONE_OF_FOUR), [0.75, -0.25, -0.25, -0.25]),
    ],
)
def test_published_values(found, expected):
    assert found.tolist()[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", BY_GROUP)
@given(size=st.integers(2, 64), reward=st.floats(0, 10))
def test_a_constant_group_has_exactly_no_advantage(name, size, reward):
    rewards = torch.full((1, size), reward, dtype=torch.float64)
    assert torch.equal(BY_GROUP[name](rewards), torch.zeros(1, size).double())


@given(st.integers(1, 64), st.floats(-10, 10))
def test_a_constant_batch_has_exactly_no_advantage(size, reward):
    assert not batch_advantages(torch.full((size,), reward, dtype=torch.float64)).any()


@pytest.mark.parametrize("name", BY_GROUP)
def test_groups_do_not_touch_each_other(name):
    a, b = torch.rand(2, 1, 8, generator=torch.Generator().manual_seed(0))
    both = BY_GROUP[name](torch.cat([a, b]))
    assert torch.equal(both, torch.cat([BY_GROUP[name](a), BY_GROUP[name](b)]))


@pytest.mark.parametrize("name", BY_GROUP)
def test_a_group_of_one_is_refused(name):
    with pytest.raises(ValueError, match="2 or more completions"):
        BY_GROUP[name](torch.ones(4, 1))


def test_the_mean_ratio_refuses_rewards_whose_mean_may_vanish():
    with pytest.raises(ValueError, match="0 or more, not -1"):
        mean_ratio_advantages(torch.tensor([[1.0, -1.0]]))


def test_a_group_without_tokens_has_no_weighted_baseline():
    with pytest.raises(ValueError, match="no tokens"):
        length_weighted_advantages(ONE_OF_FOUR, torch.zeros(1, 4))


def test_the_overlong_penalty_has_the_published_values():
    lengths = torch.tensor([100, 16000, 16384, 18432, 20480])
    assert overlong_penalty(lengths, 20480, 4096).tolist() == [0, 0, 0, -0.5, -1]
    with pytest.raises(ValueError, match="from 1 to max_tokens = 10, not 11"):
        overlong_penalty(lengths, 10, 11)
