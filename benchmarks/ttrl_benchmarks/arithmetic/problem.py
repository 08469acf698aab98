"""A word problem as the arithmetic that solves it.

- `Step`: one operation on numbers of the question or results of earlier steps.
- `Problem`: the text, its steps and its level.
- `solve`: the result of every step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["OPERATIONS", "Problem", "Step", "solve"]


def _divide(left: int, right: int) -> int:
    quotient, rest = divmod(left, right)
    if rest:
        raise ArithmeticError(f"{left} is not a multiple of {right}")
    return quotient


OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divide,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, e.g. `#1 + 7`, where `#1` is the result of the first step.

    Attributes:
        left: A number, or (where `left_is_step`) the index of an earlier step, from 0.
        operation: One of `+`, `-`, `*`, `/`; division is exact.
        right: As `left`.
        left_is_step: Whether `left` names an earlier step.
        right_is_step: Whether `right` names an earlier step.
    """

    left: int
    operation: str
    right: int
    left_is_step: bool = False
    right_is_step: bool = False

    def operands(self, results: Sequence[int]) -> tuple[int, int]:
        """Returns both operands, given the results of the earlier steps."""
        left = results[self.left] if self.left_is_step else self.left
        right = results[self.right] if self.right_is_step else self.right
        return left, right


@dataclass(frozen=True, slots=True)
class Problem:
    """A word problem and the steps that solve it.

    Attributes:
        text: The question.
        steps: The steps; the result of the last is the answer.
        level: Difficulty, 1 to 5.
        signature: The wording and the numbers, without the names: problems that differ in
            names alone have the same signature, and so the same split.
    """

    text: str
    steps: tuple[Step, ...]
    level: int
    signature: str

    @property
    def answer(self) -> int:
        """The exact answer."""
        return solve(self.steps)[-1]


def solve(steps: Sequence[Step]) -> list[int]:
    """Returns the result of every step.

    Raises:
        ArithmeticError: A division is not exact, or by zero.

    >>> solve([Step(3, "*", 6), Step(14, "+", 0, right_is_step=True)])
    [18, 32]
    """
    results: list[int] = []
    for step in steps:
        left, right = step.operands(results)
        results.append(OPERATIONS[step.operation](left, right))
    return results
