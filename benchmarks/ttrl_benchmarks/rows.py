"""The rows of a file of questions, and how large such a file may be.

- `Row`: one row, which knows its place in its file.
- `Table`: the rows of one file and the names of its columns.
- `is_blank`: whether a cell holds nothing.
- `MAX_FILE_BYTES`, `MAX_ROWS`, `MAX_CHARACTERS`: the bounds of a file, its rows and a question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "MAX_CHARACTERS",
    "MAX_FILE_BYTES",
    "MAX_ROWS",
    "Row",
    "Table",
    "is_blank",
    "place_of",
]

# Every row is held in memory, at about ten times its size in the file.
MAX_FILE_BYTES = 256 * 2**20
MAX_ROWS = 1_000_000
# The default limit of a prompt in an environment; the longest exam questions have a few thousand.
MAX_CHARACTERS = 2**20


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Attributes:
        cells: The row's values by column; a column may be missing.
        number: The row's number in its file, from 1.
        line: The line of the file on which the row ends, in formats that have lines.
    """

    cells: Mapping[str, object]
    number: int
    line: int | None = None

    @property
    def place(self) -> str:
        """The place of the row, for messages: `"row 3"` or `"row 3 (line 4)"`."""
        return place_of(self.number, self.line)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one file.

    Attributes:
        path: The file.
        columns: The names of its columns, in the order of their first appearance.
        rows: Its rows; at least one.
        delimiter: What separates its cells, in formats that have delimiters.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    delimiter: str | None = None


def is_blank(value: object) -> bool:
    """Returns whether a cell holds nothing: null, white space, or a data frame's NaN."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and value != value)


def place_of(number: int, line: int | None) -> str:
    """Returns the place of a row, for messages."""
    return f"row {number}" if line is None else f"row {number} (line {line})"
