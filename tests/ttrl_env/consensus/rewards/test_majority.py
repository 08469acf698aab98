"""Majority and soft majority: golden cases, tie rules, thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import guesses, vote, vote_of
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env.consensus import Majority, SoftMajority


@given(st.builds(guesses, st.integers(1, 24), st.integers(0, 2**32), spread=st.integers(1, 6)))
def test_majority_is_the_mode_and_ties_go_to_the_first(texts: list[str]) -> None:
    ballot = vote(texts)
    verdict = Majority()(ballot)
    if not len(ballot.counts):
        assert verdict.abstains
        assert verdict.pseudo_label is None
        assert not verdict.rewards.any()
        return
    most = max(ballot.counts)
    winner = next(c for c in ballot.classes if c >= 0 and ballot.counts[c] == most)
    assert verdict.pseudo_label == winner
    assert verdict.rewards.tolist() == (ballot.classes == winner).astype(float).tolist()
    assert not verdict.abstains


def test_many_absent_answers_do_not_outvote_one() -> None:
    ballot = vote_of([-1] * 9 + [4])
    verdict = Majority()(ballot)
    assert ballot.answer_of(verdict.pseudo_label) == "4"
    assert ballot.majority_ratio == 0.1  # the absent stay in the denominator
    assert verdict.rewards.tolist() == [0.0] * 9 + [1.0]


@pytest.mark.parametrize(
    ("tie", "rewards", "label", "abstains"),
    [
        ("first", [0, 1, 0, 1, 0, 0], "2", False),
        ("abstain", [0] * 6, None, True),
        ("share", [0, 0.5, 0.5, 0.5, 0.5, 0], None, False),
    ],
)
def test_tie_rules(tie: str, rewards: list[float], label: str | None, abstains: bool) -> None:
    ballot = vote_of([5, 2, 3, 2, 3, -1])
    verdict = Majority(tie=tie)(ballot)  # type: ignore[arg-type]
    assert verdict.rewards.tolist() == rewards
    assert ballot.answer_of(verdict.pseudo_label) == label
    assert verdict.abstains == abstains
    # Without a tie, the rules are one.
    clear = Majority(tie=tie)(vote_of([5, 2, 2, 3]))  # type: ignore[arg-type]
    assert clear.rewards.tolist() == [0, 1, 1, 0]
    assert clear.pseudo_label == 1


def test_three_that_tie_share_by_three() -> None:
    assert Majority(tie="share")(vote_of([1, 2, 3])).rewards.tolist() == [1 / 3] * 3


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ({"min_ratio": 0.5}, True),
        ({"min_ratio": 0.51}, False),
        ({"min_margin": 0.25}, True),
        ({"min_margin": 0.26}, False),
        ({"min_votes": 4}, True),
        ({"min_votes": 5}, False),
    ],
)
def test_a_majority_that_is_too_weak_abstains(options: dict[str, float], passes: bool) -> None:
    verdict = Majority(**options)(vote_of([1, 1, 1, 1, 2, 2, 3, -1]))  # type: ignore[arg-type]
    assert verdict.abstains != passes
    assert verdict.rewards.any() == passes
    assert (verdict.pseudo_label is not None) == passes


def test_a_margin_refuses_every_tie() -> None:
    assert Majority(tie="share", min_margin=0.01)(vote_of([1, 2])).abstains


@pytest.mark.parametrize(
    "options", [{"tie": "last"}, {"min_ratio": 1.5}, {"min_votes": 0.5}, {"min_margin": "much"}]
)
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must be"):
        Majority(**options)  # type: ignore[arg-type]


def test_soft_majority_pays_shares() -> None:
    ballot = vote_of([1, 1, 2, -1])
    verdict = SoftMajority()(ballot)
    assert verdict.rewards.tolist() == [0.5, 0.5, 0.25, 0]
    assert ballot.answer_of(verdict.pseudo_label) == "1"
    assert not SoftMajority(min_ratio=0.5)(ballot).abstains
    weak = SoftMajority(min_ratio=0.6)(ballot)
    assert weak.abstains
    assert not np.any(weak.rewards)
