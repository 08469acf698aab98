r"""Why two answers are the same or not, step by step, for a person.

- `explain_grade`, `GradeExplanation`: two answers, how each was read, and the verdict.
- `explain_extraction`, `ExtractionExplanation`: what was found in a completion, and where.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from ttrl_env.answers.extraction import RULES, find_answer
from ttrl_env.answers.formats import AnswerFormat, check_answer_format
from ttrl_env.answers.keys import Reading, read

__all__ = ["ExtractionExplanation", "GradeExplanation", "explain_extraction", "explain_grade"]

_SHOWN = 120


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")


@dataclass(frozen=True)
class GradeExplanation:
    """How two answers were read and compared; its `str` is a short report.

    Attributes:
        gold: The first answer.
        answer: The second answer.
        gold_reading: How the first was read.
        answer_reading: How the second was read.
        equal: Whether their keys are equal.
        reason: Why, in a sentence.
    """

    gold: str
    answer: str
    gold_reading: Reading
    answer_reading: Reading
    equal: bool
    reason: str

    def __str__(self) -> str:
        lines = []
        for name, text, reading in (
            ("gold", self.gold, self.gold_reading),
            ("answer", self.answer, self.answer_reading),
        ):
            lines.append(f"{name:<7}{_short(text)}")
            lines.append(f"       read as {reading.kind}: {_short(reading.text)}")
            if reading.reason:
                lines.append(f"       not a formula: {reading.reason}")
            lines.append(f"       key     {reading.key}")
        lines.append(f"{'equal' if self.equal else 'different'}: {self.reason}")
        return "\n".join(lines)


@dataclass(frozen=True)
class ExtractionExplanation:
    """What was found in a completion; its `str` is a short report.

    Attributes:
        answer: The answer, or None.
        source: The rule that found it, or why there is none.
        span: The characters of the completion between which it stands, or None.
        key: Its key, or None.
        kind: What it was read as, or None.
    """

    answer: str | None
    source: str
    span: tuple[int, int] | None
    key: Hashable | None
    kind: str | None

    def __str__(self) -> str:
        if self.answer is None or self.span is None:
            return f"no answer: {self.source}"
        return (
            f"answer {_short(self.answer)}\n       found by {self.source}, "
            f"at characters {self.span[0]} to {self.span[1]}\n"
            f"       read as {self.kind}\n       key     {self.key}"
        )


def explain_grade(
    gold: str, answer: str, answer_format: AnswerFormat = "latex"
) -> GradeExplanation:
    r"""Compares two answers and keeps the steps.

    Raises:
        ValueError: If `answer_format` is unknown.

    >>> print(explain_grade("0.5", r"\frac12"))
    gold   '0.5'
           read as number: '0.5'
           key     1/2
    answer '\\frac12'
           read as expression: '\\frac12'
           key     1/2
    equal: both have the key 1/2
    """
    answer_format = check_answer_format(answer_format)
    first, second = read(gold, answer_format), read(answer, answer_format)
    equal = first.key == second.key
    if equal:
        reason = f"both have the key {first.key}"
    elif "text" in {first.kind, second.kind} and first.kind != second.kind:
        which = "gold" if first.kind == "text" else "answer"
        reason = f"the {which} is not a formula that is understood, so it is compared as text"
    elif first.kind != second.kind:
        reason = f"one is a {first.kind}, the other a {second.kind}, and their keys differ"
    else:
        reason = "the keys differ"
    return GradeExplanation(gold, answer, first, second, equal, reason)


def explain_extraction(
    text: str, answer_format: AnswerFormat = "latex", options: Sequence[str] | None = None
) -> ExtractionExplanation:
    r"""Extracts the answer of a completion and keeps the steps.

    Raises:
        ValueError: If `answer_format` is unknown.

    >>> print(explain_extraction(r"Thus \boxed{42}."))
    answer '42'
           found by the last box, at characters 12 to 14
           read as number
           key     42
    """
    answer_format = check_answer_format(answer_format)
    found = find_answer(text, answer_format, options)
    if found.answer is None:
        return ExtractionExplanation(None, found.rule, None, None, None)
    reading = read(found.answer, answer_format)
    return ExtractionExplanation(
        found.answer, RULES[found.rule], (found.start, found.stop), reading.key, reading.kind
    )
