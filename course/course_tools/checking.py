"""Checks of exercises, which say what is wrong and not only that something is.

- `Check`: a function that takes a student's function and raises `NotRightError` if it is wrong.
- `NotRightError`: what is wrong, in plain words.
- `compare`: makes a check that compares with a known-good function on random inputs.
- `Mistake`: a wrong function that students often write, and what to say about it.
- `call`: calls a student's function; its errors become `NotRightError`.
"""

from __future__ import annotations

import copy
import inspect
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_tools.values import describe, equal, likely_fault

__all__ = ["Check", "Mistake", "NotRightError", "call", "compare"]

Check = Callable[[Callable[..., Any]], None]
Cases = Callable[[np.random.Generator], Iterable[tuple[Any, ...]]]

TO_DO = "still to do. Replace `raise NotImplementedError` with your own lines."


class NotRightError(Exception):
    """What is wrong with a student's function, in plain words."""


@dataclass(frozen=True)
class Mistake:
    """A wrong function that students often write.

    Attributes:
        says: What is wrong with it and what to do, as a sentence or two.
        function: The wrong function; the student's mistake is this one if it gives the same.
    """

    says: str
    function: Callable[..., Any]


@dataclass(frozen=True)
class _Try:
    """One case: what went in, what should have come out, and what did."""

    arguments: tuple[Any, ...]
    expected: Any
    got: Any
    right: bool


def compare(
    right: Callable[..., Any],
    cases: Cases,
    *,
    mistakes: Sequence[Mistake] = (),
    tolerance: float = 1e-5,
) -> Check:
    """Returns a check that compares with a known-good function on random inputs.

    Args:
        right: The known-good function.
        cases: Yields the arguments of each case, as tuples, from a seeded generator of random
            numbers. The first case that fails is shown, so begin with small ones.
        mistakes: What students often write instead. The message is that of the first one that
            gives what the student's function gives in every case.
        tolerance: The largest relative or absolute difference of numbers that are equal.
    """

    def check(function: Callable[..., Any]) -> None:
        tried: list[_Try] = []
        for arguments in cases(np.random.default_rng(0)):
            given = copy.deepcopy(arguments)
            try:
                got = call(function, *given)
            except NotRightError:
                if all(each.right for each in tried):
                    raise
                break  # what went wrong before, in a smaller case, is shown
            _check_unchanged(function, given, arguments)
            expected = right(*copy.deepcopy(arguments))
            tried.append(_Try(arguments, expected, got, equal(got, expected, tolerance)))
        wrong = [each for each in tried if not each.right]
        if wrong:
            fault = _named_fault(tried, mistakes, tolerance) or likely_fault(
                [(each.got, each.expected) for each in wrong], tries=len(tried)
            )
            first = wrong[0]
            shown = _shown(function, first.arguments)
            rows = [*shown, ("expected", describe(first.expected)), ("got", describe(first.got))]
            raise NotRightError(f"not right yet.\n\n{fault}\n\n{_table(rows)}")

    return check


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a student's function.

    Raises:
        NotRightError: It is still to do, or it raises an error; the message has the line.
    """
    try:
        return function(*arguments)
    except NotRightError:
        raise
    except NotImplementedError as error:
        raise NotRightError(TO_DO) from error
    except Exception as error:  # whatever a student's function may raise
        rows = [*_shown(function, arguments), *_line_of(error, function)]
        raised = f"it stops with {type(error).__name__}: {error}"
        raise NotRightError(f"{raised}\n\n{_table(rows)}") from error


def _named_fault(tried: Sequence[_Try], mistakes: Sequence[Mistake], tolerance: float) -> str:
    for mistake in mistakes:
        if all(_gives(mistake.function, each, tolerance) for each in tried):
            return mistake.says
    return ""


def _gives(function: Callable[..., Any], each: _Try, tolerance: float) -> bool:
    return equal(each.got, function(*copy.deepcopy(each.arguments)), tolerance)


def _check_unchanged(
    function: Callable[..., Any], given: tuple[Any, ...], arguments: tuple[Any, ...]
) -> None:
    for name, after, before in zip(_names(function, given), given, arguments, strict=True):
        if isinstance(before, (list, dict, np.ndarray)) and not equal(after, before, 0.0):
            rows = [("before", describe(before)), ("after", describe(after))]
            raise NotRightError(
                f"it changes its argument `{name}`. Make a new object instead.\n\n{_table(rows)}"
            )


def _names(function: Callable[..., Any], arguments: Sequence[Any]) -> list[str]:
    names = list(inspect.signature(function).parameters)
    return [names[i] if i < len(names) else f"argument {i + 1}" for i in range(len(arguments))]


def _shown(function: Callable[..., Any], arguments: Sequence[Any]) -> list[tuple[str, str]]:
    names = _names(function, arguments)
    return [(f"{name} =", describe(each)) for name, each in zip(names, arguments, strict=True)]


def _line_of(error: BaseException, function: Callable[..., Any]) -> list[tuple[str, str]]:
    """Returns the last line of the student's own file in a traceback."""
    own = inspect.unwrap(function).__code__.co_filename
    frames = traceback.extract_tb(error.__traceback__)
    lines = [(f"line {each.lineno}", each.line or "") for each in frames if each.filename == own]
    return lines[-1:]


def _table(rows: Sequence[tuple[str, str]]) -> str:
    width = max((len(name) for name, _ in rows), default=0)
    indented = [(name, text.replace("\n", "\n" + " " * (width + 4))) for name, text in rows]
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in indented)
