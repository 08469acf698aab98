"""A whole group of completions at once.

- `AnswerGroups`: the answers of a group, and which of them are the same.
- `group_answers`: extracts and groups; every distinct answer is read once.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttrl_env.answers.extraction import Extraction, find_answer
from ttrl_env.answers.formats import AnswerFormat, check_answer_format
from ttrl_env.answers.keys import answer_key

__all__ = ["AnswerGroups", "group_answers"]


@dataclass(frozen=True, eq=False)
class AnswerGroups:
    """The answers of a group of completions.

    Attributes:
        extractions: What was found in each completion, where, and by which rule.
        classes: The class of each completion's answer, numbered in order of first appearance,
            and -1 where there is no answer.
        representatives: The first spelling of each class.
        keys: The key of each class.
    """

    extractions: tuple[Extraction, ...]
    classes: NDArray[np.int64]
    representatives: tuple[str, ...]
    keys: tuple[Hashable, ...]

    @property
    def answers(self) -> tuple[str | None, ...]:
        """What was extracted from each completion; None where nothing was."""
        return tuple(each.answer for each in self.extractions)


def group_answers(
    texts: Sequence[str],
    answer_format: AnswerFormat = "latex",
    options: Sequence[str] | None = None,
) -> AnswerGroups:
    r"""Extracts the answers of completions and says which are the same.

    Args:
        texts: The completions of one question.
        answer_format: One of `ANSWER_FORMATS`.
        options: For `"choice"`, the letters or the texts that may be chosen.

    Raises:
        ValueError: If `answer_format` is unknown.

    >>> groups = group_answers([r"\boxed{0.5}", "I give up", r"\boxed{\frac12}", r"\boxed{2}"])
    >>> groups.classes.tolist(), groups.representatives
    ([0, -1, 0, 1], ('0.5', '2'))
    """
    check_answer_format(answer_format)
    extractions = tuple(find_answer(text, answer_format, options) for text in texts)
    answers = [each.answer for each in extractions]
    keys = {
        answer: answer_key(answer, answer_format)
        for answer in dict.fromkeys(answers)
        if answer is not None
    }
    numbers: dict[Hashable, int] = {}
    representatives: list[str] = []
    classes = np.full(len(answers), -1, dtype=np.int64)
    for position, answer in enumerate(answers):
        if answer is None:
            continue
        key = keys[answer]
        if key not in numbers:
            numbers[key] = len(numbers)
            representatives.append(answer)
        classes[position] = numbers[key]
    classes.flags.writeable = False
    return AnswerGroups(extractions, classes, tuple(representatives), tuple(numbers))
