"""The checks of the exercises: right on the solution, and helpful on the stub and on mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from course_files import COURSE, LESSONS, Wrong, imported_names, stubs, wrong_solutions

import course_tools.exercises as exercises
from course_tools.checking import TO_DO, NotRightError
from course_tools.where import load

EXERCISES = [
    pytest.param(number, stub, id=f"{lesson.stem}-{number}")
    for lesson in LESSONS
    for number, stub in stubs(lesson).items()
]
MISTAKES = [
    pytest.param(each, id=f"{lesson.stem}-{each.number}-{each.function.__name__}")
    for lesson in LESSONS
    for each in wrong_solutions(lesson)
]


def message_of(number: str, function) -> str:
    with pytest.raises(NotRightError) as error:
        exercises.find_check(number)(function)
    return str(error.value)


@pytest.mark.parametrize(("number", "stub"), EXERCISES)
def test_a_check_passes_on_the_solution(number: str, stub) -> None:
    exercises.find_check(number)(exercises.find_solution(number, stub.__name__))


@pytest.mark.parametrize(("number", "stub"), EXERCISES)
def test_a_check_says_that_a_stub_is_still_to_do(number: str, stub) -> None:
    assert message_of(number, stub) == TO_DO
    assert stub.__doc__


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_check_names_the_mistake_of_a_wrong_solution(mistake: Wrong) -> None:
    assert mistake.says in message_of(mistake.number, mistake.function)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda each: each.stem)
def test_every_exercise_has_a_check_and_three_wrong_solutions(lesson: Path) -> None:
    numbers = sorted(stubs(lesson))
    assert len(numbers) >= 3
    assert numbers == sorted(load(COURSE / "checks" / f"{lesson.name[:9]}.py").CHECKS)
    found = [each.number for each in wrong_solutions(lesson)]
    assert {number: found.count(number) for number in numbers if found.count(number) < 3} == {}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda each: each.stem)
def test_a_lesson_imports_what_its_solutions_use(lesson: Path) -> None:
    solution = COURSE / "solutions" / f"{lesson.name[:9]}.py"
    assert imported_names(solution) <= imported_names(lesson)
