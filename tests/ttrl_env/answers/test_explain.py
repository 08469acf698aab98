"""The steps of a grade and of an extraction, for a person."""

from __future__ import annotations

import pytest

from ttrl_env.answers import explain_extraction, explain_grade


def test_a_grade_shows_how_both_were_read_and_why() -> None:
    explained = explain_grade(r"\frac12", "0.5")
    assert explained.equal
    assert explained.gold_reading.key == explained.answer_reading.key == "1/2"
    assert str(explained).splitlines()[-1] == "equal: both have the key 1/2"


@pytest.mark.parametrize(
    ("gold", "answer", "reason"),
    [
        ("1", "2", "the keys differ"),
        ("(1,2)", "3", "one is a tuple or interval, the other a number"),
        ("3", "about three", "the answer is not a formula that is understood"),
        ("east", "3", "the gold is not a formula that is understood"),
    ],
)
def test_a_difference_is_explained(gold: str, answer: str, reason: str) -> None:
    explained = explain_grade(gold, answer)
    assert not explained.equal
    assert reason in str(explained)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("1@2", "unexpected '@'"),
        (r"\frac{1}{2", "an unfinished formula"),
        ("(" * 30 + "1" + ")" * 30, "nested more than 24 deep"),
        (r"\frac{1}{0}", "a division by zero"),
    ],
)
def test_what_is_compared_as_text_says_why(answer: str, reason: str) -> None:
    explained = explain_grade("1", answer)
    assert explained.answer_reading.reason == reason
    assert f"not a formula: {reason}" in str(explained)
    assert not explained.gold_reading.reason


def test_long_answers_are_shortened() -> None:
    assert max(map(len, str(explain_grade("7" * 9000, "x" * 9000)).splitlines())) < 220


@pytest.mark.parametrize(
    ("text", "answer", "line"),
    [
        (r"\boxed{42}", "42", "found by the last box, at characters 7 to 9"),
        (
            "The answer is 42.",
            "42",
            "found by a phrase such as 'the answer is', at characters 14 to 16",
        ),
        ("<think>42", None, "no answer: the thinking never ends"),
        ("hm", None, "no answer: no finished box"),
    ],
)
def test_an_extraction_says_where_it_was_found(text: str, answer: str | None, line: str) -> None:
    explained = explain_extraction(text)
    assert explained.answer == answer
    assert line in str(explained)


def test_an_unclear_choice_says_so() -> None:
    assert "more than one" in str(explain_extraction("Answer: A or B", "choice"))
