"""Files of questions as rows of named cells, whatever their format.

- `SUFFIXES`: the suffixes of the files that can be read.
- `read_table`: reads JSON, JSON Lines, CSV, TSV or Parquet into a `Table`.
- `Row`, `Table`: one row and the rows of a file; see `rows`.

Nothing here trusts the file: it is parsed by `json`, `csv` and `pyarrow`, none of which runs what
it reads, its size is bounded before it is read, and whatever is wrong with it becomes a
`BenchmarkError` that names the row. Rows in which every cell is blank are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from ttrl_benchmarks.delimited import DELIMITERS, delimited_rows
from ttrl_benchmarks.errors import BenchmarkError
from ttrl_benchmarks.rows import MAX_FILE_BYTES, MAX_ROWS, Row, Table, is_blank, place_of

__all__ = ["SUFFIXES", "Row", "Table", "read_table"]

JSON_LINES_SUFFIXES = (".jsonl", ".ndjson")
SUFFIXES = (".json", *JSON_LINES_SUFFIXES, *DELIMITERS, ".parquet")
# Parquet is compressed, so what it holds is bounded as well as what it takes on the disk.
_MAX_UNPACKED_BYTES = 4 * MAX_FILE_BYTES
_PARQUET_BATCH = 256
_LESS = "leave out columns and rows that are not needed, or divide it"


def read_table(path: Path) -> Table:
    """Reads a file of rows; its suffix names its format.

    Args:
        path: A `.json` array of objects, `.jsonl` or `.ndjson` with one object a line, `.csv` or
            `.tsv` with a header, or `.parquet`.

    Returns:
        The rows, in the order of the file.

    Raises:
        BenchmarkError: The file is missing, empty, too large, of another format, or has an
            unreadable row.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BenchmarkError(
            f"{path}: cannot read a {suffix or 'suffixless'!r} file; "
            f"save the questions as one of {', '.join(SUFFIXES)}."
        )
    if not path.is_file():
        raise BenchmarkError(f"{path}: there is no such file; check the path.")
    _check_size(path, path.stat().st_size, MAX_FILE_BYTES)
    if suffix == ".parquet":
        rows = _counted(path, _parquet_rows(path))
    else:
        text = _text_of(path)
        if suffix == ".json":
            rows = _counted(path, _json_rows(path, text))
        elif suffix in JSON_LINES_SUFFIXES:
            rows = _counted(path, _json_lines_rows(path, text))
        else:
            rows = _counted(path, delimited_rows(path, text, DELIMITERS[suffix]))
    if not rows:
        raise BenchmarkError(f"{path}: the file holds no rows; give a file with questions in it.")
    columns = dict.fromkeys(column for row in rows for column in row.cells)
    return Table(path=path, columns=tuple(columns), rows=tuple(rows))


def _check_size(path: Path, size: int, limit: int, what: str = "is") -> None:
    if size > limit:
        raise BenchmarkError(
            f"{path}: {what} {size / 2**20:,.0f} MiB, more than the {limit // 2**20} MiB that a "
            f"file of questions may have; {_LESS}."
        )


def _counted(path: Path, rows: Iterable[Row]) -> list[Row]:
    """Returns the rows that are not blank, up to the bound of a file."""
    found: list[Row] = []
    for row in rows:
        if row.cells and all(map(is_blank, row.cells.values())):
            continue
        if len(found) == MAX_ROWS:
            raise BenchmarkError(
                f"{path}: more than {MAX_ROWS:,} rows, the most that a file of questions may have; "
                f"{_LESS}."
            )
        found.append(row)
    return found


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
        yield Row(_object(path, value, place_of(number, None)), number)


def _json_lines_rows(path: Path, text: str) -> Iterator[Row]:
    number = 0
    # Not str.splitlines: JSON strings may hold U+2028 and its like unescaped.
    for line_number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        number += 1
        place = place_of(number, line_number)
        try:
            value: object = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BenchmarkError(
                f"{path}, {place}: not valid JSON ({_reason(error)}); correct or remove the line."
            ) from error
        yield Row(_object(path, value, place), number, line_number)


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = unpacked = 0
    try:
        with pq.ParquetFile(path) as file:
            groups = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
            declared = sum(group.total_byte_size for group in groups)
            _check_size(path, declared, _MAX_UNPACKED_BYTES, "holds")
            for batch in file.iter_batches(batch_size=_PARQUET_BATCH):
                for value in batch.to_pylist():
                    number += 1
                    # What the file declares of itself may be wrong, or one value shared by rows.
                    unpacked += sum(len(each) for each in value.values() if isinstance(each, str))
                    _check_size(path, unpacked, _MAX_UNPACKED_BYTES, "holds")
                    yield Row(_object(path, value, place_of(number, None)), number)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, BenchmarkError):
            raise
        raise BenchmarkError(
            f"{path}: not a readable Parquet file ({_reason(error)}); write or download it again."
        ) from error


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
