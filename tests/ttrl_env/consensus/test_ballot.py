"""Ballots: what is counted, and how."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, sums
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env import Completion
from ttrl_env.consensus import Ballot, Verdict, check_verdict, hold_vote

completions = st.lists(
    st.one_of(
        st.integers(0, 3).map(boxed), st.sampled_from(["", NO_ANSWER, boxed("07"), "\ud800"])
    ),
    min_size=1,
    max_size=20,
)


def vote(texts: list[str]) -> Ballot:
    benchmark = sums()
    return hold_vote(texts, benchmark.questions[0], benchmark, position=4)


@given(completions)
def test_the_counts_are_those_of_the_classes(texts: list[str]) -> None:
    ballot = vote(texts)
    assert ballot.size == len(texts) == len(ballot.answers)
    assert [answer is None for answer in ballot.answers] == (ballot.classes == -1).tolist()
    assert ballot.counts.tolist() == [
        int((ballot.classes == each).sum()) for each in range(len(ballot.keys))
    ]
    assert (ballot.counts > 0).all()
    assert len(set(ballot.keys)) == len(ballot.keys) == len(ballot.representatives)
    # Classes are numbered in order of first appearance.
    present = ballot.classes[ballot.classes >= 0]
    firsts = list(dict.fromkeys(present.tolist()))
    assert firsts == sorted(firsts)
    best = max(ballot.counts, default=0)
    assert ballot.majority_ratio == best / len(texts)


def test_spellings_of_one_answer_are_one_class() -> None:
    ballot = vote([boxed("7"), boxed("07"), boxed("7.0"), boxed("8")])
    assert ballot.classes.tolist() == [0, 0, 0, 1]
    assert ballot.answer_of(0) == "7"
    assert ballot.answer_of(None) is None


def test_what_the_sampler_knows_is_kept() -> None:
    told = Completion(boxed(7), token_ids=[1, 2, 3], log_probs=np.log([0.5, 0.5, 0.5]))
    cut = Completion("so far", token_ids=[1, 2], finished=False)
    ballot = vote([told, cut, boxed(7)])
    np.testing.assert_allclose(ballot.confidences, [0.5, np.nan, np.nan], rtol=1e-6)
    assert ballot.lengths.tolist() == [3, 2, len(boxed(7))]
    assert ballot.finished.tolist() == [True, False, True]
    assert (ballot.question_id, ballot.position) == ("sum-0", 4)


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


def test_an_empty_group_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one completion"):
        vote([])


def test_options_bound_what_a_choice_can_be() -> None:
    from ttrl_benchmarks import Benchmark, Question

    question = Question("q", "Which is even?", options=("1", "2", "3"))
    benchmark = Benchmark("one", (question,), answer_format="choice")
    ballot = hold_vote([boxed("B"), boxed("b"), boxed("F")], question, benchmark)
    assert ballot.classes[0] == ballot.classes[1] == 0
    assert ballot.answers[2] != "F"
