r"""From the text of a completion to an answer that can be counted.

Extraction finds the answer in a completion, a key says which answers are the same, and a group
of completions falls into classes. Model output is read by a parser of our own and is never
executed; every function takes bounded time and works in any thread.

    >>> from ttrl_env.answers import equivalent, extract_answer
    >>> extract_answer(r"So the probability is $\boxed{\frac{2}{4}}$.")
    '\\frac{2}{4}'
    >>> equivalent(r"\frac{2}{4}", "0.5")
    True
"""

from __future__ import annotations

from ttrl_env.answers.explain import (
    ExtractionExplanation,
    GradeExplanation,
    explain_extraction,
    explain_grade,
)
from ttrl_env.answers.extraction import Extraction, extract_answer, find_answer
from ttrl_env.answers.formats import ANSWER_FORMATS, AnswerFormat
from ttrl_env.answers.grouping import AnswerGroups, group_answers
from ttrl_env.answers.keys import answer_key, equivalent
from ttrl_env.answers.text.thinking import opens_thinking

__all__ = [
    "ANSWER_FORMATS",
    "AnswerFormat",
    "AnswerGroups",
    "Extraction",
    "ExtractionExplanation",
    "GradeExplanation",
    "answer_key",
    "equivalent",
    "explain_extraction",
    "explain_grade",
    "extract_answer",
    "find_answer",
    "group_answers",
    "opens_thinking",
]
