"""`ttrl grade` and `ttrl extract`: how answers are read, step by step.

- `grade`: compares two answers.
- `extract`: finds the answer in a completion.
"""

from __future__ import annotations

import sys
from typing import Annotated

import tyro

from ttrl_agents.cli.exit_status import Exit
from ttrl_benchmarks.printable import plain_text
from ttrl_env.answers import AnswerFormat, explain_extraction, explain_grade
from ttrl_env.answers.prove import prove as find_proof

__all__ = ["extract", "grade"]


def grade(
    gold: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="GOLD")],
    answer: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="ANSWER")],
    format: AnswerFormat = "latex",  # noqa: A002 - the name of the option
    prove: bool = False,
) -> None:
    """Says whether two answers are the same vote, and why. Exits with 1 if they are not.

    Args:
        gold: One answer.
        answer: The other.
        format: How answers are written.
        prove: Also let SymPy look for a proof that the two are equal, or for a point where they
            differ. It takes seconds and does not change the verdict.
    """
    explanation = explain_grade(gold, answer, format)
    print(plain_text(str(explanation)))  # noqa: T201
    if prove:
        print(f"SymPy: {find_proof(gold, answer)}")  # noqa: T201
    if not explanation.equal:
        raise Exit(1)


def extract(
    text: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[TEXT]")] = "-",
    format: AnswerFormat = "latex",  # noqa: A002 - the name of the option
    options: tuple[str, ...] = (),
) -> None:
    """Finds the answer in a completion. Exits with 1 if there is none.

    Args:
        text: The completion, or - for standard input.
        format: How answers are written.
        options: The options of a multiple-choice question, in the order of their letters.
    """
    completion = sys.stdin.read() if text == "-" else text
    explanation = explain_extraction(completion, format, options or None)
    print(plain_text(str(explanation)))  # noqa: T201
    if explanation.answer is None:
        raise Exit(1)
