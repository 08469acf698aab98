"""The tools of the course: what an exercise prints, and which faults are named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from course_files import COURSE, course_environment

from course_tools.checking import TO_DO, Mistake, NotRightError, compare
from course_tools.values import describe, equal, likely_fault

LESSON = """
import sys
sys.path.insert(0, {course!r})
import course_tools.exercises as exercises
from course_tools import exercise
from course_tools.checking import compare

CASES = [([1, 2, 3],), ([5, 1],)]
exercises.find_check = lambda number: compare(sum, lambda rng: CASES)

@exercise("1.1")
def add_up(values):
    {body}

print("and on it goes:", add_up([1, 1]))
"""


def run_lesson(tmp_path: Path, body: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "lesson.py"
    script.write_text(LESSON.format(course=str(COURSE), body=body))
    return subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=300,
        env=course_environment(tmp_path, solutions=False),
    )


def test_a_right_function_is_used_and_the_lesson_goes_on(tmp_path: Path) -> None:
    ran = run_lesson(tmp_path, "return sum(values)")
    assert (ran.returncode, ran.stdout) == (0, "1.1 right\nand on it goes: 2\n")


def test_a_stub_ends_the_lesson_without_a_traceback(tmp_path: Path) -> None:
    ran = run_lesson(tmp_path, "raise NotImplementedError")
    assert ran.returncode == 1
    assert ran.stderr.strip().splitlines() == [
        f"Exercise 1.1, add_up: {TO_DO}",
        "",
        "Change the function in lesson.py, line 11, and run the lesson again.",
    ]


def test_a_wrong_function_is_shown_with_its_input_and_its_output(tmp_path: Path) -> None:
    ran = run_lesson(tmp_path, "return -sum(values)")
    assert "The sign is the wrong way round." in ran.stderr
    assert "  values =  [1, 2, 3]\n  expected  6\n  got       -6\n" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_error_in_a_function_is_shown_with_its_line(tmp_path: Path) -> None:
    ran = run_lesson(tmp_path, "return values[7]")
    assert "it stops with IndexError: list index out of range" in ran.stderr
    assert "return values[7]" in ran.stderr
    assert "Traceback" not in ran.stderr


def fault(got, expected) -> str:
    return likely_fault([(got, expected)], tries=1)


@pytest.mark.parametrize(
    ("got", "says"),
    [
        (None, "Is there a `return`"),
        (lambda: 1, "brackets"),
        ("text", "numbers are asked for"),
        (np.array([1.0, 2.0]), "one too few"),
        (np.ones((2, 3)), "shape is (2, 3), not (3,)"),
        (1.0, "a single number"),
        (np.array([-1.0, -2.0, -4.0]), "sign"),
        (np.array([2.0, 3.0, 5.0]), "too large by 1 (off by one?)"),
        (np.array([0.5, 1.0, 2.0]), "0.5 times"),
        (np.array([4.0, 2.0, 1.0]), "reverse"),
        (np.exp([1.0, 2.0, 4.0]), "its logarithm is asked for"),
        (np.log([1.0, 2.0, 4.0]), "the number itself is asked for"),
        (np.array([0.0, -1.0, -3.0]), "1 minus"),
        (np.array([1.0, np.nan, 4.0]), "NaN"),
        (np.array([1.0, np.inf, 4.0]), "infinite"),
        (np.array([1.0, 2.0, 7.0]), "differs"),
    ],
)
def test_a_fault_that_many_make_is_named(got, says: str) -> None:
    assert says in fault(got, np.array([1.0, 2.0, 4.0]))


def test_swapped_rows_and_columns_are_named() -> None:
    assert "swapped" in fault(np.ones((2, 3)), np.ones((3, 2)))


def test_a_function_that_is_sometimes_right_is_told_so() -> None:
    assert likely_fault([(np.array([3.0, 1.0]), np.array([1.0, 2.0]))], tries=4) == (
        "It is right in 3 of 4 tries. One where it is not:"
    )


def test_a_named_mistake_is_preferred_to_a_general_one() -> None:
    check = compare(
        lambda x: x, lambda rng: [(1.0,), (2.0,)], mistakes=[Mistake("Not minus!", lambda x: -x)]
    )
    with pytest.raises(NotRightError, match="Not minus!"):
        check(lambda x: -x)
    with pytest.raises(NotRightError, match="2 times"):
        check(lambda x: 2 * x)


def test_a_function_that_changes_its_argument_is_told_so() -> None:
    def sort(values):
        values.sort()
        return values

    with pytest.raises(NotRightError, match="changes its argument `values`"):
        compare(sorted, lambda rng: [([3, 1, 2],)])(sort)


def test_numbers_are_equal_whatever_holds_them() -> None:
    assert equal([1, 2], np.array([1.0, 2.0]), 1e-6)
    assert equal(np.float32(0.5), 0.5, 1e-6)
    assert not equal(np.array([0.5]), 0.5, 1e-6)
    assert equal(["7", None], ["7", None], 0)
    assert not equal("7", 7, 0)
    assert equal({"a": 1.0}, {"a": 1}, 0)


def test_values_are_described_in_few_words() -> None:
    assert describe(1 / 3) == "0.3333"
    assert describe([1, "a", None]) == "[1, 'a', None]"
    assert describe(np.array([0.5, 1.0])) == "[0.5 1. ]   shape (2,)"
    assert len(describe("x" * 1000)) < 310


def test_long_messages_are_folded_and_tables_are_not(tmp_path: Path) -> None:
    ran = run_lesson(tmp_path, "raise ValueError('no ' * 60)")
    words, table = ran.stderr.strip().split("\n\n")[:2]
    assert max(map(len, words.splitlines())) <= 100
    assert "raise ValueError('no ' * 60)" in table
