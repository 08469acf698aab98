"""What rewards share: sums that no order changes, elections, advantages, checks of options."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env.consensus.errors import RewardError
from ttrl_env.consensus.rewards.common import (
    check_choice,
    check_flag,
    check_number,
    elect,
    exact_mean,
    group_advantages,
    known_tokens,
    token_means,
)

NUMBERS = st.floats(-1e6, 1e6)


@given(st.lists(NUMBERS, min_size=1), st.randoms())
def test_the_mean_does_not_depend_on_the_order(values, random) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    assert exact_mean(shuffled) == exact_mean(values)


@given(st.lists(NUMBERS, min_size=1))
def test_the_first_of_the_highest_is_elected(scores) -> None:
    assert elect(scores) == scores.index(max(scores))


@given(st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=2, max_size=30))
def test_advantages_sum_to_nothing_and_keep_the_order(rewards) -> None:
    advantages = group_advantages(np.array(rewards))
    assert abs(advantages.sum()) < 1e-9
    for one, other in zip(range(len(rewards)), range(1, len(rewards)), strict=False):
        assert np.sign(advantages[one] - advantages[other]) == np.sign(
            rewards[one] - rewards[other]
        )
    if len(set(rewards)) > 1:
        assert advantages.std(ddof=1) == pytest.approx(1, rel=1e-3)
    else:
        assert (advantages == 0).all()


def test_one_completion_has_no_advantage() -> None:
    assert group_advantages(np.array([1.0])).tolist() == [0.0]
    assert group_advantages(np.array([])).tolist() == []


def test_the_mean_of_a_tail_is_of_the_last_tokens_one_at_least() -> None:
    rows = [np.array([8.0, 4.0, 2.0, 1.0], np.float32), np.array([3.0], np.float32), np.array([])]
    assert token_means(rows, "entropies", "me").tolist() == [3.75, 3.0, 0.0]
    assert token_means(rows, "entropies", "me", tail=0.5).tolist() == [1.5, 3.0, 0.0]
    assert token_means(rows, "entropies", "me", tail=0.01).tolist() == [1.0, 3.0, 0.0]


def test_values_that_the_sampler_did_not_give_are_asked_for() -> None:
    row = np.array([1.0], np.float32)
    with pytest.raises(RewardError, match=r"'me' needs the entropies.*1 of 2 came without"):
        token_means([row, None], "entropies", "me")
    with pytest.raises(RewardError, match="sample with log-probabilities"):
        token_means([None], "log_probs", "me")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("entropies", np.nan),
        ("entropies", -np.inf),
        ("self_certainties", np.inf),
        ("log_probs", np.nan),
    ],
)
def test_values_that_are_not_numbers_are_not_compared(name, value) -> None:
    rows = [np.array([1.0], np.float32), np.array([2.0, value], np.float32)]
    with pytest.raises(RewardError, match=f"compare the {name} of completion 1.*is {value}"):
        known_tokens(rows, name, "me")


def test_a_token_that_could_not_be_drawn_is_the_least_likely() -> None:
    rows = [np.array([-np.inf], np.float32), np.array([-1.0], np.float32)]
    assert known_tokens(rows, "log_probs", "me") == rows


@pytest.mark.parametrize("value", [True, "1", None, -0.1, 1.1, float("nan")])
def test_what_is_not_a_number_in_its_range_raises_an_error(value) -> None:
    with pytest.raises(ValueError, match=r"share must be a number from 0 to 1, not"):
        check_number("share", value, 0, 1)


def test_options_in_their_range_pass() -> None:
    check_number("share", 1, 0, 1)
    check_number("every", 3, 1, whole=True)
    check_number("every", 10**30, 1, whole=True)
    check_number("limit", 1e6, 0)
    check_choice("tie", "first", ("first", "abstain"))
    check_flag("strict", False)


def test_other_options_raise_errors_that_list_what_is_valid() -> None:
    with pytest.raises(ValueError, match=r"every must be a whole number of 1 or more, not 1\.5"):
        check_number("every", 1.5, 1, whole=True)
    with pytest.raises(ValueError, match="limit must be a number from 0 to 1,000,000, not inf"):
        check_number("limit", float("inf"), 0)
    with pytest.raises(ValueError, match="tie must be one of first, abstain, not 'last'"):
        check_choice("tie", "last", ("first", "abstain"))
    with pytest.raises(ValueError, match="strict must be true or false, not 1"):
        check_flag("strict", 1)
