"""The numbers that lessons should print, on the teacher's page."""

from __future__ import annotations

from course_files import COURSE, LESSONS

from course_tools.where import load

expected = load(COURSE / "expected.py")
SCORE = expected.Expected("the score", r"score +([\d.,]+)", 0.9, 0.05)


def test_a_number_within_its_tolerance_is_no_problem() -> None:
    assert SCORE.problem("some line\nscore   0.93 of 1\n") == ""


def test_a_number_that_is_off_is_named_with_what_was_expected() -> None:
    assert SCORE.problem("score 0.8") == "the score: 0.8, expected 0.9 ± 0.05"


def test_an_output_without_the_line_is_a_problem() -> None:
    assert "no line fits" in SCORE.problem("nothing")


def test_thousands_may_have_commas() -> None:
    assert SCORE.find("score 1,234") == 1234


def test_every_lesson_has_expected_numbers() -> None:
    numbers = {int(each.name.split("_")[1]) for each in LESSONS}
    assert numbers == expected.read_expected().keys()


def test_the_page_of_the_teacher_has_these_numbers() -> None:
    page = (COURSE / "teacher.md").read_text(encoding="utf-8")
    assert expected.table(expected.read_expected()) in page
