r"""The solutions that the tiny reasoners are taught on, right and wrong steps alike.

- `write_answer`: an answer at once, without steps.
- `write_solution`: a problem's steps in text, ending in `\boxed{}`, each step wrong at random.
- `near_miss`: a wrong result of the kind that a person in a hurry writes.
"""

from __future__ import annotations

import operator

import numpy as np

from ttrl_benchmarks.arithmetic import Problem
from ttrl_benchmarks.arithmetic.problem import OPERATIONS

__all__ = ["near_miss", "write_answer", "write_solution"]

_SIGNS = {"+": "+", "-": "-", "*": "×", "/": "÷"}
# How far off a wrong result is, and how often.
_OFFSETS = np.array([-20, -10, -9, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 9, 10, 20])
_WEIGHTS = np.array([1, 3, 2, 1, 1, 2, 3, 5, 5, 3, 2, 1, 1, 2, 3, 1], dtype=np.float64)
_CUMULATED = np.cumsum(_WEIGHTS / _WEIGHTS.sum())


def near_miss(result: int, rng: np.random.Generator) -> int:
    """Returns a wrong result near the right one, 1 or larger.

    Args:
        result: The right result, 1 or larger.
        rng: The source of chance.
    """
    while True:
        wrong = result + int(_OFFSETS[np.searchsorted(_CUMULATED, rng.random(), side="right")])
        if wrong >= 1:
            return wrong


def write_answer(answer: int) -> str:
    r"""Writes the sentence that every solution ends with.

    >>> print(write_answer(32))
    The answer is \boxed{32}.
    """
    return f"The answer is \\boxed{{{answer}}}."


def write_solution(problem: Problem, rng: np.random.Generator, error_rate: float) -> str:
    r"""Writes a problem's steps in text, each result wrong with probability `error_rate`.

    A wrong result is carried on: the later steps use it, and the last one is boxed. Divisions of
    a carried number that no longer come out even are rounded down.

    Args:
        problem: The problem.
        rng: The source of chance.
        error_rate: The share of steps that get a wrong result, in [0, 1].

    >>> from ttrl_benchmarks.arithmetic import Step
    >>> problem = Problem("...", (Step(3, "*", 6), Step(14, "+", 0, right_is_step=True)), 3, "")
    >>> print(write_solution(problem, np.random.default_rng(0), error_rate=0.0))
    3 × 6 = 18
    14 + 18 = 32
    The answer is \boxed{32}.
    """
    results: list[int] = []
    lines: list[str] = []
    for step in problem.steps:
        left, right = step.operands(results)
        # A carried number that no longer comes out even is divided all the same.
        operation = operator.floordiv if step.operation == "/" else OPERATIONS[step.operation]
        result = operation(left, right)
        if rng.random() < error_rate:
            result = near_miss(max(result, 1), rng)
        results.append(result)
        lines.append(f"{left} {_SIGNS[step.operation]} {right} = {result}")
    return "\n".join([*lines, write_answer(results[-1])])
