"""Files of questions as rows of named cells, whatever their format.

- `SUFFIXES`: the suffixes of the files that can be read.
- `read_table`: reads JSON, JSON Lines, CSV, TSV or Parquet into a `Table`.
- `Row`, `Table`: one row and the rows of a file; see `rows`.

Nothing here trusts the file: it is parsed by `json`, `csv` and `pyarrow`, none of which runs what
it reads, its size is bounded before it is read, and whatever is wrong with it becomes a
`BenchmarkError` that names the row. Rows in which every cell is blank are passed over.
"""

from __future__ import annotations

import codecs
import itertools
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
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PACKED, _SHEETS = (".gz", ".zip", ".xz", ".bz2", ".zst"), (".xlsx", ".xls", ".ods")
_ADVICE = {
    **dict.fromkeys(_PACKED, "unpack it, or "),
    **dict.fromkeys(_SHEETS, "save the sheet as CSV (UTF-8), or "),
    ".txt": "if it is a table, name it .csv or .tsv, or ",
    ".arrow": "load it with datasets and write it with to_parquet, or ",
}
_LISTED, _LOOKED_AT = 5, 10_000
# What the library datasets writes beside the rows.
_NOT_ROWS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")


def read_table(path: Path) -> Table:
    """Reads a file of rows; its suffix names its format.

    Args:
        path: A `.json` array of objects, `.jsonl` or `.ndjson` with one object a line, `.csv` or
            `.tsv` with a header, or `.parquet`; text in UTF-8, or in UTF-16 with its mark.

    Returns:
        The rows, in the order of the file.

    Raises:
        BenchmarkError: The file is missing, empty, too large, of another format, or has an
            unreadable row.
    """
    _check_kind(path)
    suffix = path.suffix.lower()
    delimiter = None
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
            delimiter, found = delimited_rows(path, text, DELIMITERS[suffix])
            rows = _counted(path, found)
    if not rows:
        raise BenchmarkError(f"{path}: the file holds no rows; give a file with questions in it.")
    columns = dict.fromkeys(column for row in rows for column in row.cells)
    return Table(path=path, columns=tuple(columns), rows=tuple(rows), delimiter=delimiter)


def _check_kind(path: Path) -> None:
    """Checks that a path is a file of a format that can be read."""
    if path.is_dir():
        raise _a_folder(path)
    if not path.is_file():
        raise BenchmarkError(f"{path}: there is no such file; check the path.")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BenchmarkError(
            f"{path}: cannot read a {suffix or 'suffixless'!r} file; {_ADVICE.get(suffix, '')}"
            f"save the questions as one of {', '.join(SUFFIXES)}."
        )


def _a_folder(path: Path) -> BenchmarkError:
    """Builds the error for a folder, with the files in it that may be meant."""
    names = [
        str(each.relative_to(path))
        for each in itertools.islice(path.rglob("*"), _LOOKED_AT)
        if each.name not in _NOT_ROWS
    ]
    files = sorted(each for each in names if Path(each).suffix.lower() in SUFFIXES)
    if files:
        more = f" or one of {len(files) - _LISTED} more" if len(files) > _LISTED else ""
        return BenchmarkError(
            f"{path}: is a folder; name one of its files: {', '.join(files[:_LISTED])}{more}."
        )
    advice = _ADVICE[".arrow"] if any(each.endswith(".arrow") for each in names) else ""
    return BenchmarkError(
        f"{path}: is a folder without a file that can be read; {advice}save the questions as one "
        f"of {', '.join(SUFFIXES)}, and name that."
    )


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
        data = path.read_bytes()
    except OSError as error:
        raise BenchmarkError(f"{path}: cannot be read ({error.strerror}).") from error
    # Spreadsheets save "Unicode text" as UTF-16, with a mark at its start.
    name, codec = ("UTF-16", "utf-16") if data.startswith(_UTF_16) else ("UTF-8", "utf-8-sig")
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        raise BenchmarkError(
            f"{path}: byte {error.start} is not {name}; save the file as UTF-8."
        ) from error
    if "\0" in text:
        raise BenchmarkError(
            f"{path}: the text holds zero bytes, as UTF-16 or UTF-32 does; save the file as UTF-8."
        )
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
        within = [
            repr(name)
            for name, value in (document.items() if isinstance(document, dict) else ())
            if isinstance(value, list) and value and isinstance(value[0], dict)
        ]
        advice = (
            f"save the array under {' or '.join(within[:_LISTED])} as a file of its own"
            if within
            else 'write it as [{"question": ..., "answer": ...}, ...]'
        )
        raise BenchmarkError(
            f"{path}: expected a JSON array of objects, found {_kind(document)}; {advice}."
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
