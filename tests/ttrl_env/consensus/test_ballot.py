"""Ballots: what is counted, and how."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, sums
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env import Completion
from ttrl_env.consensus import Ballot, hold_vote

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


@given(completions)
def test_the_most_frequent_classes_and_their_lead_are_those_of_the_counts(
    texts: list[str],
) -> None:
    ballot = vote(texts)
    counts = sorted(ballot.counts.tolist(), reverse=True)
    winners = ballot.most_frequent()
    assert [ballot.counts[each] for each in winners] == counts[: len(winners)]
    assert len(winners) == sum(count == counts[0] for count in counts)
    assert winners == sorted(winners)
    assert ballot.lead == sum(counts[:1]) - sum(counts[1:2])


@given(completions)
def test_values_of_classes_spread_over_their_members(texts: list[str]) -> None:
    ballot = vote(texts)
    spread = ballot.spread(10 * np.arange(len(ballot.counts)), absent=-5)
    assert spread.dtype == np.float64
    assert spread.tolist() == [-5 if each < 0 else 10 * each for each in ballot.classes]
    assert ballot.spread(np.ones(len(ballot.counts))).tolist() == ballot.answered.tolist()


def test_an_answer_from_elsewhere_finds_its_class() -> None:
    ballot = vote([boxed("8"), boxed("07"), NO_ANSWER])
    assert (ballot.class_of("7"), ballot.class_of("8.0"), ballot.class_of("9")) == (1, 0, None)


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
