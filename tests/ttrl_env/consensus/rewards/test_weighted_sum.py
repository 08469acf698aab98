"""Sums of rewards: what they pay, what they need, and what cannot be added."""

from __future__ import annotations

import json

import numpy as np
import pytest
from env_fakes import boxed, measured, sums, vote
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env import Completion
from ttrl_env.consensus import (
    Ballot,
    FormatOnly,
    HeldVote,
    Majority,
    RewardError,
    SoftMajority,
    Verdict,
    WeightedSum,
    find_reward,
    resolve_estimator,
    reward_needs,
)
from ttrl_env.consensus.rewards.common import group_advantages


def test_rewards_are_added_with_their_weights() -> None:
    both = WeightedSum(((1.0, Majority()), (0.1, FormatOnly())))
    verdict = both(vote([boxed(1), boxed(1), boxed(2), "no answer"]))
    assert verdict.rewards.tolist() == [1.1, 1.1, 0.1, 0.0]
    assert verdict.pseudo_label == 0
    assert not verdict.abstains


def test_the_pseudo_label_is_that_of_the_first_term_that_names_one() -> None:
    both = WeightedSum(((0.1, FormatOnly()), (1.0, Majority())))
    assert both(vote([boxed(2), boxed(1), boxed(1)])).pseudo_label == 1


def test_a_term_that_abstains_adds_nothing_and_all_together_abstain() -> None:
    tied = vote([boxed(1), boxed(2)])
    strict = Majority(tie="abstain")
    both = WeightedSum(((1.0, strict), (0.5, FormatOnly())))(tied)
    assert both.rewards.tolist() == [0.5, 0.5]
    assert not both.abstains
    assert WeightedSum(((1.0, strict), (0.5, strict)))(tied).abstains
    assert WeightedSum(((1.0, strict), (0.5, FormatOnly())))(vote(["no", "idea"])).abstains


def test_a_sum_as_text_is_the_sum_of_its_terms() -> None:
    made = resolve_estimator("majority(tie=share) + 0.5*soft_majority", sums())
    assert made == WeightedSum(((1.0, Majority(tie="share")), (0.5, SoftMajority())))
    held = resolve_estimator("held(inner=majority + 0.1*format_only, every=3)", sums())
    assert held == HeldVote(WeightedSum(((1.0, Majority()), (0.1, FormatOnly()))), every=3)
    assert (
        find_reward("majority + 0.1*format_only")[0].card.summary == "the weighted sum of rewards"
    )


def test_a_sum_needs_what_its_terms_need() -> None:
    assert reward_needs("majority + 0.1*format_only") == frozenset()
    assert reward_needs("0.1*negative_entropy + oracle") == {"token statistics", "labels"}
    made = resolve_estimator("majority + 0.01*negative_entropy", sums())
    assert made.needs_token_statistics
    assert not made.needs_two_prompts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("majority + majorty", "Did you mean 'majority'"),
        ("majority + 0.1*majority(ties=share)", "option of reward 'majority' 'ties'"),
        ("majority + 0*random", "a weight must be above 0, not 0"),
        ("majority + 1e999*random", "a weight must be a number from 0 to 1,000,000, not inf"),
        ("majority + 1e308*random", "a weight must be a number from 0 to 1,000,000, not 1e"),
        ("majority + -1*random", "with a number above 0 before a reward"),
        ("0.5*(majority + random)", "no brackets around several"),
    ],
)
def test_what_is_wrong_in_a_sum_is_named(text: str, message: str) -> None:
    with pytest.raises((RewardError, ValueError), match=message):
        resolve_estimator(text, sums())


@pytest.mark.parametrize("term", ["ddrl", "guard", "held(inner=ddrl)", "restrain"])
def test_a_reward_with_advantages_of_its_own_cannot_be_added(term: str) -> None:
    # When it is made, as `guard` brings none before a question's winner flips.
    with pytest.raises(RewardError, match="cannot be added to other rewards"):
        resolve_estimator(f"majority + {term}", sums())


def test_a_reward_that_does_not_say_that_it_has_advantages_cannot_be_added_either() -> None:
    def silent(ballot: Ballot) -> Verdict:
        return Verdict(np.zeros(ballot.size), None, advantages=np.ones(ballot.size))

    made = WeightedSum(((1.0, Majority()), (1.0, silent)))
    with pytest.raises(RewardError, match="cannot be added to other rewards"):
        made(vote([boxed(1), boxed(1), boxed(2)]))


def test_a_small_weight_teaches_as_much_as_a_large_one_where_the_vote_is_unanimous() -> None:
    texts = [boxed(1), boxed(1), Completion(boxed(1), finished=False)]
    advantages = [
        group_advantages(
            WeightedSum(((1.0, Majority()), (weight, FormatOnly())))(vote(texts)).rewards
        )
        for weight in (0.1, 1.0)
    ]
    np.testing.assert_allclose(*advantages, rtol=1e-4)
    assert abs(advantages[0]).max() > 0.5


def test_what_its_terms_remember_is_kept() -> None:
    def make() -> WeightedSum:
        return WeightedSum(((1.0, HeldVote(every=3)), (0.5, Majority())))

    assert WeightedSum(((1.0, Majority()),)).state_dict() == {}
    both = make()
    both(vote([boxed(1), boxed(1), boxed(2)], position=0))
    copy = make()
    copy.load_state_dict(json.loads(json.dumps(both.state_dict())))
    ballot = vote([boxed(2), boxed(2), boxed(1)], position=5)
    assert copy(ballot).rewards.tolist() == both(ballot).rewards.tolist() == [0.5, 0.5, 1.0]
    make().load_state_dict({})


@given(values=st.lists(st.integers(-1, 3), min_size=1, max_size=12), weight=st.floats(0.01, 2))
def test_an_absent_answer_is_never_worth_more_than_an_answer(values, weight) -> None:
    ballot = vote(measured(values, 0))
    verdict = WeightedSum(((1.0, Majority()), (weight, FormatOnly())))(ballot)
    absent = ~ballot.answered
    assert (verdict.rewards[absent] == 0).all()
    if ballot.answered.any():
        assert verdict.rewards[ballot.answered].min() >= 0
        assert verdict.pseudo_label is not None
