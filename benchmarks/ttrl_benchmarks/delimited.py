"""CSV and TSV as spreadsheets write them.

- `delimited_rows`: the rows of such a text, and what separates their cells.
- `DELIMITERS`: what separates cells, by the suffix of the file.

Spreadsheets leave blank columns at the right and blank rows at the end, name another delimiter in
a first line `sep=;`, or use `;` in countries where the comma is the decimal point. Data frames
write the numbers of their rows in a first column without a name.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from ttrl_benchmarks.errors import BenchmarkError
from ttrl_benchmarks.rows import Row, is_blank, place_of

__all__ = ["DELIMITERS", "delimited_rows"]

DELIMITERS = {".csv": ",", ".tsv": "\t"}
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?(?:\n|\Z)', re.IGNORECASE)
_CANDIDATES = (",", ";", "\t", "|")
# The csv module has one limit for the whole process.
_CELL_LIMIT = threading.Lock()


def delimited_rows(path: Path, text: str, delimiter: str) -> tuple[str, list[Row]]:
    """Returns the delimiter of a text with a header, and its rows.

    Args:
        path: The file, for messages.
        text: What it holds.
        delimiter: What its suffix says; a line `sep=` or the header itself may say otherwise.

    Raises:
        BenchmarkError: A row cannot be read; the message names it.
    """
    skipped = 0
    named = _SEPARATOR_LINE.match(text)
    if named is not None:
        delimiter, text, skipped = named[1], text[named.end() :], 1
    else:
        delimiter = _delimiter_of(text.lstrip("\r\n").partition("\n")[0], delimiter)
    with _cells_as_long_as(text):
        return delimiter, list(_rows(path, text, delimiter, skipped))


def _delimiter_of(header: str, usual: str) -> str:
    """Returns the delimiter of a header: the usual one, if it separates anything."""
    others = (each for each in _CANDIDATES if each in header)
    return usual if usual in header else next(others, usual)


@contextlib.contextmanager
def _cells_as_long_as(text: str) -> Iterator[None]:
    """Lets the csv module read cells of any length; the file itself is bounded."""
    with _CELL_LIMIT:
        before = csv.field_size_limit()
        csv.field_size_limit(max(before, len(text) + 1))
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _rows(path: Path, text: str, delimiter: str, skipped: int) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    number = 0
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            line = reader.line_num + skipped
            place = place_of(number + 1, line) if header else "the header"
            raise BenchmarkError(
                f"{path}, {place}: not valid CSV ({error}); quote cells that hold delimiters, "
                "quotes or line breaks."
            ) from error
        if cells is None:
            return
        if header is None:
            if not all(map(is_blank, cells)):
                header = _header(path, cells)
            continue
        if not cells:  # an empty line between rows
            continue
        number += 1
        if all(map(is_blank, cells)):
            continue
        place = place_of(number, reader.line_num + skipped)
        values = _without_blank_end(cells, len(header))
        if len(values) != len(header):
            raise BenchmarkError(
                f"{path}, {place}: {len(values)} cells where the header has {len(header)}; quote "
                "cells that hold delimiters or line breaks."
            )
        pairs = list(zip(header, values, strict=True))
        if pairs and not pairs[0][0] and pairs[0][1].strip().isdecimal():
            del pairs[0]  # the number that a data frame gives the row
        if any(not name and not is_blank(value) for name, value in pairs):
            raise BenchmarkError(
                f"{path}, {place}: a cell in a column that has no name; name it in the header, or "
                "empty the column."
            )
        yield Row({name: value for name, value in pairs if name}, number, reader.line_num + skipped)


def _header(path: Path, cells: Sequence[str]) -> list[str]:
    header = _without_blank_end([cell.strip() for cell in cells], 0)
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise BenchmarkError(f"{path}: duplicate column {twice[0]!r} in the header; rename one.")
    return header


def _without_blank_end(cells: Sequence[str], least: int) -> list[str]:
    """Returns the cells without blank ones at the end, but `least` of them where there are."""
    size = len(cells)
    while size > least and is_blank(cells[size - 1]):
        size -= 1
    return list(cells[:size])
