"""The kinds of answer a question can ask for.

- `AnswerFormat`: the type of the `answer_format` argument everywhere.
- `ANSWER_FORMATS`: its values.
- `check_answer_format`: raises `ValueError` for anything else.
"""

from __future__ import annotations

from ttrl_benchmarks.base import ANSWER_FORMATS, AnswerFormat

__all__ = ["ANSWER_FORMATS", "AnswerFormat", "check_answer_format"]


def check_answer_format(answer_format: str) -> AnswerFormat:
    """Returns `answer_format` if it is one of `ANSWER_FORMATS`.

    Raises:
        ValueError: If it is not; the message names the value and the allowed ones.

    >>> check_answer_format("integer")
    'integer'
    """
    if answer_format not in ANSWER_FORMATS:
        allowed = ", ".join(map(repr, ANSWER_FORMATS))
        raise ValueError(f"answer_format must be one of {allowed}; got {answer_format!r}")
    return answer_format
