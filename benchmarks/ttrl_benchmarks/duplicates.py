"""Questions that a file holds more than once.

- `Duplicates`: what to do with them.
- `repeated_rows`: the rows whose question stands in an earlier row.
- `check_duplicates`: raises where there are any, and lists them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ttrl_benchmarks.columns import normalized_text
from ttrl_benchmarks.errors import BenchmarkError
from ttrl_benchmarks.rows import Row, Table

__all__ = ["Duplicates", "check_duplicates", "list_rows", "repeated_rows"]

Duplicates = Literal["error", "drop", "keep"]
_MOST_LISTED = 20


def repeated_rows(texts: Iterable[tuple[Row, str]]) -> dict[int, Row]:
    """Returns the rows whose question stands in an earlier row, white space aside.

    Args:
        texts: Each row with its question.

    Returns:
        The first row with the question, by the number of the row that repeats it.
    """
    first: dict[str, Row] = {}
    repeated: dict[int, Row] = {}
    for row, text in texts:
        before = first.setdefault(normalized_text(text), row)
        if before is not row:
            repeated[row.number] = before
    return repeated


def check_duplicates(
    table: Table, texts: Iterable[tuple[Row, str]], *, advice: str = "remove all but one of each"
) -> None:
    """Checks that no question is there twice, white space aside.

    Args:
        table: Where the rows are from.
        texts: Each row with its question.
        advice: What to do, for the end of the message.

    Raises:
        BenchmarkError: Some rows hold the same question; all of them are named.
    """
    repeated = repeated_rows(texts)
    if repeated:
        pairs = [f"row {number} as row {before.number}" for number, before in repeated.items()]
        raise BenchmarkError(
            f"{table.path}: duplicate questions: {len(pairs)} of {len(table.rows)} "
            f"({list_rows(pairs)}); {advice}."
        )


def list_rows(names: list[str]) -> str:
    """Returns the first names of a list, and how many more there are.

    >>> list_rows(["row 1", "row 2"])
    'row 1, row 2'
    """
    more = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
