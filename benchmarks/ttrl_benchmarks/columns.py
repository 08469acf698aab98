"""From rows to questions: which column is which, and what a cell means.

- `QUESTION`, `ANSWER`, `ID`, `LEVEL`: the usual names of each column.
- `required_column`, `optional_column`: the column asked for, or the first with a usual name.
- `usual_name`: the name of a column without what people write differently.
- `text_cell`, `level_cell`: a cell as text or a level; `text_of` is the text of a value.
- `clean_label`: a label in the form that its answer format has.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ttrl_benchmarks.base import AnswerFormat, undecodable
from ttrl_benchmarks.errors import BenchmarkError, unknown_name
from ttrl_benchmarks.rows import Row, Table, is_blank

__all__ = [
    "ANSWER",
    "ID",
    "LEVEL",
    "QUESTION",
    "clean_label",
    "level_cell",
    "normalized_text",
    "optional_column",
    "required_column",
    "text_cell",
    "text_of",
    "usual_name",
]

QUESTION = ("question", "problem", "prompt", "query", "input")
ANSWER = (
    "answer",
    "label",
    "target",
    "final_answer",
    "expected_answer",
    "ground_truth",
    "reward_model",
    "solution",
)
ID = ("id", "unique_id", "question_id")
LEVEL = ("level",)

_INTEGER = re.compile(r"[+-]?(?:\d{1,1000}|\d{1,3}(?:,\d{3}){1,300})(?:\.0{0,20})?", re.ASCII)
_CHOICE = re.compile(r"\(?([A-Za-z])[).:]?", re.ASCII)
_LEVEL = re.compile(r"(?:level\s*)?([1-5])(?:\.0)?", re.ASCII | re.IGNORECASE)


def required_column(
    table: Table, role: str, usual: Sequence[str], asked: str | None = None, *, advice: str = ""
) -> str:
    """Finds the column that plays a role: the one asked for, or the first with a usual name.

    Args:
        table: Where to look.
        role: What the column is for, e.g. `"question"`; for messages.
        usual: The usual names of such a column, the first found taken; `usual_name` says what
            does not matter.
        asked: The column that the caller names, spelt as in the file.
        advice: What else to do where there is none, for the end of the message.

    Raises:
        BenchmarkError: There is no such column; its message lists those that there are.
    """
    column = optional_column(table, role, usual, asked)
    if column is None:
        raise BenchmarkError(
            f"{table.path}: no {role} column; looked for {', '.join(usual)}, "
            f"found {', '.join(table.columns) or 'none'}; rename the right one{advice}."
        )
    return column


def optional_column(
    table: Table, role: str, usual: Sequence[str], asked: str | None = None
) -> str | None:
    """Finds a column as `required_column` does, or returns `None` where none has a usual name.

    Columns with a usual name that are blank throughout are passed over for one that is not.

    Raises:
        BenchmarkError: The column asked for is missing.
    """
    if asked is not None:
        if asked in table.columns:
            return asked
        raise BenchmarkError(
            f"{table.path}: {unknown_name(f'{role} column', asked, table.columns)}"
        )
    by_name = {usual_name(column): column for column in reversed(table.columns)}
    found = [by_name[name] for name in map(usual_name, usual) if name in by_name]
    filled = (column for column in found if _is_filled(table, column))
    return next(filled, found[0]) if found else None


def usual_name(column: str) -> str:
    """Returns the name of a column without what people write differently.

    >>> usual_name(" Correct Answer "), usual_name("final-answer")
    ('correct_answer', 'final_answer')
    """
    return re.sub(r"[\s_-]+", "_", column.strip().lower())


def _is_filled(table: Table, column: str) -> bool:
    """Returns whether any cell of a column holds something."""
    return any(not is_blank(row.cells.get(column)) for row in table.rows)


def text_cell(table: Table, row: Row, column: str) -> str | None:
    """Returns a cell as text, or `None` where it is missing, null or blank.

    Whole numbers that a spreadsheet made into floats lose their `.0`.
    """
    value = row.cells.get(column)
    return None if is_blank(value) else text_of(value, f"{table.path}, {row.place}", column)


def text_of(value: object, place: str, column: str) -> str:
    """Returns the text of a value that is text or a number.

    Args:
        value: The value; not blank.
        place: Where it stands, for messages.
        column: The column that it stands in, for messages.

    Raises:
        BenchmarkError: It is something else, or holds half of a character.
    """
    if isinstance(value, str):
        half = undecodable(value)
        if half is not None:
            raise BenchmarkError(
                f"{place}: column {column!r} holds {half}, half of a character; write the whole "
                "character, or remove it."
            )
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BenchmarkError(
            f"{place}: column {column!r} holds a {type(value).__name__}; "
            "write it as text or a number."
        )
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def level_cell(table: Table, row: Row, column: str) -> int | None:
    """Returns a cell as a level from 1 to 5, or `None` where it is blank; "Level 3" will do."""
    text = text_cell(table, row, column)
    if text is None:
        return None
    match = _LEVEL.fullmatch(text.strip())
    if match is None:
        raise BenchmarkError(
            f"{table.path}, {row.place}: {text[:40]!r} in column {column!r} is not a level from "
            '1 to 5; correct it, or leave levels out with columns={"level": None}.'
        )
    return int(match[1])


def clean_label(label: str, answer_format: AnswerFormat, place: str) -> str:
    r"""Returns a label in the form that its answer format has.

    Args:
        label: The label as the file has it.
        answer_format: Integers lose padding, commas between thousands and a zero fraction; choices
            become one capital.
        place: Where the label stands, for messages.

    Raises:
        BenchmarkError: The label is not an integer or not a letter, where one is needed.

    >>> clean_label("025", "integer", "row 1"), clean_label("142.0", "integer", "row 2")
    ('25', '142')
    >>> clean_label("(b)", "choice", "row 3"), clean_label(r" \frac12 ", "latex", "row 4")
    ('B', '\\frac12')
    """
    label = label.strip()
    if answer_format == "integer":
        if _INTEGER.fullmatch(label) is None:
            raise BenchmarkError(
                f"{place}: label {label[:40]!r} is not an integer; "
                "correct it, or use answer_format='latex'."
            )
        return str(int(label.partition(".")[0].replace(",", "")))
    if answer_format == "choice":
        match = _CHOICE.fullmatch(label)
        if match is None:
            raise BenchmarkError(
                f"{place}: label {label[:40]!r} is not the letter of an option; "
                "correct it, or use answer_format='text'."
            )
        return match[1].upper()
    return label


def normalized_text(text: str) -> str:
    """Returns text with Unicode composed and every run of white space made one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())
