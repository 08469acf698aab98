"""Verdicts: what is checked of them, and how they are reached."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, sums, vote

from ttrl_env.consensus import Ballot, Majority, Verdict, check_verdict, judge


def test_an_abstaining_verdict_names_no_label_and_rewards_all_alike() -> None:
    ballot = vote([boxed(1), NO_ANSWER])
    for reward in (0.0, -1.0):
        verdict = check_verdict(Verdict.abstaining(ballot, reward), ballot, None)
        assert verdict.abstains
        assert verdict.pseudo_label is None
        assert verdict.rewards.tolist() == [reward] * 2
        assert verdict.rewards.dtype == np.float64
        assert verdict.advantages is verdict.weights is None


def test_a_judgement_is_the_checked_verdict_on_the_ballot() -> None:
    seen: list[Ballot] = []

    def majority(ballot: Ballot) -> Verdict:
        seen.append(ballot)
        return Majority()(ballot)

    benchmark = sums()
    texts = [boxed(7), boxed(8), boxed("07")]
    ballot, verdict = judge(majority, texts, benchmark.questions[2], benchmark, 5, [0, 1, 1])
    assert seen == [ballot]
    assert (ballot.question_id, ballot.position) == ("sum-2", 5)
    assert ballot.variants.tolist() == [0, 1, 1]
    assert verdict.rewards.tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="3 finite rewards"):
        judge(lambda _: Verdict(np.zeros(2), None), texts, benchmark.questions[0], benchmark)


@pytest.mark.parametrize(
    ("verdict", "error", "message"),
    [
        (np.zeros(3), TypeError, r"must return a Verdict\(rewards, pseudo_label\), not a ndarray"),
        (Verdict(np.zeros(2), 0), ValueError, "3 finite rewards for a group of 3"),
        (Verdict(np.full(3, np.nan), 0), ValueError, "3 finite rewards"),
        (Verdict(np.zeros(3), 0, advantages=np.full(3, np.inf)), ValueError, "finite advantages"),
        (Verdict(np.zeros(3), 0, weights=-np.ones(3)), ValueError, "finite weights of 0 or more"),
        (Verdict(np.zeros(3), 2), ValueError, "one of the ballot's 2 answer classes.*not 2"),
        (Verdict(np.zeros(3), -1), ValueError, "numbered from 0, or None, not -1"),
        (Verdict(np.zeros(3), "7"), ValueError, "not '7'"),  # type: ignore[arg-type]
    ],
)
def test_a_verdict_that_would_mislead_is_refused(
    verdict: Verdict, error: type[Exception], message: str
) -> None:
    ballot = vote([boxed(7), boxed(8), ""])
    with pytest.raises(error, match=message):
        check_verdict(verdict, ballot, len)
    sound = Verdict(np.array([1, 0, 0]), np.int64(1))  # type: ignore[arg-type]
    assert check_verdict(sound, ballot, len) is sound
