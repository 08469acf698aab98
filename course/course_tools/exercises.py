"""Exercises that check themselves.

- `exercise`: the decorator of a function that you write.
- `SOLUTIONS_VARIABLE`: the environment variable that puts the solutions in place of your functions.
- `find_check`, `find_solution`: the check of an exercise, and its solution.
"""

from __future__ import annotations

import inspect
import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from course_tools.checking import Check, NotRightError
from course_tools.where import COURSE, in_notebook, load

__all__ = ["SOLUTIONS_VARIABLE", "exercise", "find_check", "find_solution"]

SOLUTIONS_VARIABLE = "TTRL_COURSE_SOLUTIONS"
_WIDTH = 100

Function = TypeVar("Function", bound=Callable[..., Any])


class _NotYetError(Exception):
    """What a notebook shows in place of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def exercise(number: str) -> Callable[[Function], Function]:
    """Marks a function that you write, and checks it at once.

    If the function is right, the lesson goes on. If not, it stops here and says what is wrong.

    Args:
        number: The number of the exercise, e.g. `"1.1"`.
    """

    def decorate(function: Function) -> Function:
        check = find_check(number)
        solved = os.environ.get(SOLUTIONS_VARIABLE, "0") not in ("", "0")
        if solved:
            try:
                function = find_solution(number, function.__name__)
            except FileNotFoundError as error:
                _stop(str(error))
        try:
            check(function)
        except NotRightError as error:
            _stop(f"Exercise {number}, {function.__name__}: {error}\n\n{_where(function)}")
        print(f"{number} right" + (" (the solution's)" if solved else ""))
        return function

    return decorate


def find_check(number: str) -> Check:
    """Returns the check of an exercise.

    Args:
        number: The number of the exercise, e.g. `"1.1"`.

    Raises:
        KeyError: There is no such exercise.
    """
    checks: dict[str, Check] = load(COURSE / "checks" / _file_name(number)).CHECKS
    if number not in checks:
        raise KeyError(f"there is no exercise {number}; this lesson has {', '.join(checks)}")
    return checks[number]


def find_solution(number: str, name: str) -> Any:
    """Returns the solution of an exercise.

    Args:
        number: The number of the exercise, e.g. `"1.1"`.
        name: The name of its function.

    Raises:
        FileNotFoundError: The solutions are not here.
    """
    path = COURSE / "solutions" / _file_name(number)
    if not path.is_file():
        raise FileNotFoundError(
            f"The solutions are not here: there is no {path}. To copy them too: "
            "ttrl course copy FOLDER --solutions"
        )
    return getattr(load(path), name)


def _file_name(number: str) -> str:
    return f"lesson_{int(number.split('.')[0]):02d}.py"


def _folded(line: str) -> str:
    """Returns a line of text folded to the width of a page; indented lines are tables."""
    if line.startswith(" "):
        return line
    return textwrap.fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _where(function: Callable[..., Any]) -> str:
    """Returns where the function is, as far as that is known."""
    code = inspect.unwrap(function).__code__
    if in_notebook():
        return "Change the function in the cell above and run that cell again."
    place = f"{Path(code.co_filename).name}, line {code.co_firstlineno}"
    return f"Change the function in {place}, and run the lesson again."


def _stop(message: str) -> None:
    """Ends the script, or the cell, with a message and without a traceback."""
    message = "\n".join(map(_folded, message.splitlines()))
    if in_notebook():
        raise _NotYetError(message)
    print(f"\n{message}", file=sys.stderr)
    sys.exit(1)
