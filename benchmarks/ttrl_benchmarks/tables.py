"""Files of questions as rows of named cells, whatever their format.

- `SUFFIXES`: the suffixes of the files that can be read.
- `Row`: one row, which knows its place in its file.
- `Table`: the rows of one file and the names of its columns.
- `read_table`: reads JSON, JSON Lines, CSV, TSV or Parquet into a `Table`.

Nothing here trusts the file: it is parsed by `json`, `csv` and `pyarrow`, none of which runs what
it reads, and whatever is wrong with it becomes a `BenchmarkError` that names the row.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ttrl_benchmarks.errors import BenchmarkError

__all__ = ["SUFFIXES", "Row", "Table", "read_table"]

JSON_LINES_SUFFIXES = (".jsonl", ".ndjson")
DELIMITERS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (".json", *JSON_LINES_SUFFIXES, *DELIMITERS, ".parquet")


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
        return _place(self.number, self.line)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one file.

    Attributes:
        path: The file.
        columns: The names of its columns, in the order of their first appearance.
        rows: Its rows; at least one.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path) -> Table:
    """Reads a file of rows; its suffix names its format.

    Args:
        path: A `.json` array of objects, `.jsonl` or `.ndjson` with one object a line, `.csv` or
            `.tsv` with a header, or `.parquet`.

    Returns:
        The rows, in the order of the file.

    Raises:
        BenchmarkError: The file is missing, empty, of another format, or has an unreadable row.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BenchmarkError(
            f"{path}: cannot read a {suffix or 'suffixless'!r} file; "
            f"save the questions as one of {', '.join(SUFFIXES)}."
        )
    if not path.is_file():
        raise BenchmarkError(f"{path}: there is no such file; check the path.")
    if suffix == ".parquet":
        rows = list(_parquet_rows(path))
    else:
        text = _text_of(path)
        if suffix == ".json":
            rows = list(_json_rows(path, text))
        elif suffix in JSON_LINES_SUFFIXES:
            rows = list(_json_lines_rows(path, text))
        else:
            rows = list(_delimited_rows(path, text, DELIMITERS[suffix]))
    if not rows:
        raise BenchmarkError(f"{path}: the file holds no rows; give a file with questions in it.")
    columns = dict.fromkeys(column for row in rows for column in row.cells)
    return Table(path=path, columns=tuple(columns), rows=tuple(rows))


def _place(number: int, line: int | None) -> str:
    return f"row {number}" if line is None else f"row {number} (line {line})"


def _text_of(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BenchmarkError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8."
        ) from error
    except OSError as error:
        raise BenchmarkError(f"{path}: cannot be read ({error.strerror}).") from error
    if not text.strip():
        raise BenchmarkError(f"{path}: the file is empty; give a file with questions in it.")
    return text


def _json_rows(path: Path, text: str) -> Iterator[Row]:
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BenchmarkError(
            f"{path}: not valid JSON ({_reason(error)}); "
            "if it has one object a line, name it .jsonl."
        ) from error
    if not isinstance(document, list):
        raise BenchmarkError(
            f"{path}: expected a JSON array of objects, found {_kind(document)}; "
            'write it as [{"question": ..., "answer": ...}, ...].'
        )
    for number, value in enumerate(document, start=1):
        yield Row(_object(path, value, _place(number, None)), number)


def _json_lines_rows(path: Path, text: str) -> Iterator[Row]:
    number = 0
    # Not str.splitlines: JSON strings may hold U+2028 and its like unescaped.
    for line_number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        number += 1
        place = _place(number, line_number)
        try:
            value: object = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BenchmarkError(
                f"{path}, {place}: not valid JSON ({_reason(error)}); correct or remove the line."
            ) from error
        yield Row(_object(path, value, place), number, line_number)


def _delimited_rows(path: Path, text: str, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    number = 0
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            place = _place(number + 1, reader.line_num) if header else "the header"
            raise BenchmarkError(
                f"{path}, {place}: not valid CSV ({error}); quote cells that hold delimiters, "
                "quotes or line breaks."
            ) from error
        if cells is None:
            return
        if not cells:  # a blank line
            continue
        if header is None:
            header = [cell.strip() for cell in cells]
            twice = sorted({name for name in header if header.count(name) > 1})
            if twice:
                raise BenchmarkError(
                    f"{path}: duplicate column {twice[0]!r} in the header; rename one."
                )
            continue
        number += 1
        if len(cells) != len(header):
            raise BenchmarkError(
                f"{path}, {_place(number, reader.line_num)}: {len(cells)} cells where the header "
                f"has {len(header)}; quote cells that hold delimiters or line breaks."
            )
        yield Row(dict(zip(header, cells, strict=True)), number, reader.line_num)


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        values: list[object] = pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BenchmarkError(
            f"{path}: not a readable Parquet file ({_reason(error)}); write or download it again."
        ) from error
    for number, value in enumerate(values, start=1):
        yield Row(_object(path, value, _place(number, None)), number)


def _object(path: Path, value: object, place: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise BenchmarkError(
            f"{path}, {place}: expected an object with named values, found {_kind(value)}; "
            "correct or remove the row."
        )
    return value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return names.get(type(value), "a number")


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
