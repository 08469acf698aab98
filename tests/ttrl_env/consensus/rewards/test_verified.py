"""Votes that a verifier weighs."""

from __future__ import annotations

import pytest
from env_fakes import boxed, vote
from hypothesis import given
from hypothesis import strategies as st

from ttrl_benchmarks import Question
from ttrl_env.consensus import EquationVerifier, VerifierWeighted

QUESTION = Question("q", "Whatever?")


def test_one_verified_vote_outweighs_four() -> None:
    texts = ["1 + 1 = 3. " + boxed(3)] * 4 + ["1 + 1 = 2. " + boxed(2)]
    assert VerifierWeighted()(vote(texts)).rewards.tolist() == [0, 0, 0, 0, 1]
    assert VerifierWeighted(weight=4)(vote(texts)).pseudo_label == 0  # a tie goes to the first
    assert VerifierWeighted(weight=1)(vote(texts)).rewards.tolist() == [1, 1, 1, 1, 0]


def test_a_verifier_is_told_question_answer_and_text() -> None:
    told = []

    def halfway(question: Question, answer: str, completion: str) -> float:
        told.append((question.text, answer, completion))
        return 0.5 if answer == "2" else 0.0

    verdict = VerifierWeighted(halfway, weight=3)(vote([boxed(1), boxed(2), "?"], question=3))
    assert verdict.pseudo_label == 1  # weighs 2
    assert told == [("What is 3 + 1?", "1", boxed(1)), ("What is 3 + 1?", "2", boxed(2))]


@pytest.mark.parametrize("score", [-0.1, 1.5, float("nan")])
def test_scores_out_of_range_are_refused(score: float) -> None:
    with pytest.raises(ValueError, match="must score an answer from 0 to 1"):
        VerifierWeighted(lambda *_: score)(vote([boxed(1)]))
    with pytest.raises(ValueError, match="verifier must be callable"):
        VerifierWeighted("python")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("3 × 6 = 18\n14 + 18 = 32", 1),
        ("3 x 6 = 18", 1),
        ("7-9=-2", 1),
        ("20 ÷ 5 = 4, so 4 * 2 = 8.", 1),
        ("3 × 6 = 18\n14 + 18 = 33", 0),
        ("20 / 6 = 3", 0),
        ("1 / 0 = 0", 0),
        ("The answer is 7.", 0),
        ("", 0),
        ("1 + 1 = 2.5", 0),
        ("9" * 40 + " + 1 = 2", 0),
        ("2 + 2 = 4" + " " * 200_000, 0),
    ],
)
def test_equations_are_recomputed(text: str, score: float) -> None:
    assert EquationVerifier()(QUESTION, "7", text) == score


@given(st.text(alphabet="0123456789+-*=/ .,()x\n", max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    assert EquationVerifier()(QUESTION, "7", text) in (0.0, 1.0)
