"""Recorded votes on the disk: what a row holds, the files that rows go to, and how they are read.

- `GroupRow`, `CompletionRow`: one group, and one of its completions.
- `RowWriter`: writes rows to a folder, in parts.
- `read_rollouts`: reads what was written, also after a crash.
"""

from __future__ import annotations

import json
import os
import re
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal, TypedDict, get_args, get_origin, get_type_hints, is_typeddict

from ttrl_env.files import parse_json, replacing, sync_folder, temporary_path
from ttrl_env.locks import FolderLock

__all__ = ["CompletionRow", "FileFormat", "GroupRow", "RowWriter", "read_rollouts"]

FileFormat = Literal["jsonl", "parquet"]

_PART = re.compile(r"rollouts-(\d{6})\.(jsonl|parquet)")


class CompletionRow(TypedDict):
    """One completion of a group.

    Attributes:
        text: The completion.
        answer: Its answer, or `None`.
        vote: The class of its answer in the group, -1 for none.
        reward: Its reward.
        finished: Whether it ended by itself.
        tokens: Its length in tokens, where that is known.
    """

    text: str
    answer: str | None
    vote: int
    reward: float
    finished: bool
    tokens: int | None


class GroupRow(TypedDict):
    """One group: a question with its votes and rewards. It holds no label.

    Attributes:
        step: The step of the environment, from 0.
        question_id: The question.
        position: Its place in the order of questions.
        prompt: The prompt.
        rephrased_prompt: The prompt of the second half of the completions, or `None`.
        consensus: The pseudo-label, or `None`.
        majority_ratio: The winner's votes over the size of the group.
        abstained: Whether the reward abstained.
        completions: The completions, in order.
    """

    step: int
    question_id: str
    position: int
    prompt: str
    rephrased_prompt: str | None
    consensus: str | None
    majority_ratio: float
    abstained: bool
    completions: list[CompletionRow]


class RowWriter:
    """Writes rows to the parts of a folder: `rollouts-000000.jsonl` and so on.

    A part is closed when it is large enough, and one that exists is never written to again. When
    `write` returns, its rows are on the disk. With `file_format="parquet"`, a part that is closed
    is rewritten as Parquet, all or nothing.

    The folder is locked until `close`: no other process can write to it. A copy of a writer, also
    one that was pickled, begins a part of its own.

    Args:
        folder: Where to write; made if it is missing.
        file_format: `"jsonl"` or `"parquet"`.
        part_bytes: The size from which a part is closed.

    Raises:
        FolderInUseError: Another process writes to the folder.
        ValueError: An argument is out of range.
    """

    def __init__(self, folder: Path, file_format: FileFormat, part_bytes: int) -> None:
        if file_format not in get_args(FileFormat):
            raise ValueError(f"file_format must be 'jsonl' or 'parquet', not {file_format!r}")
        if part_bytes < 1:
            raise ValueError(f"part_bytes must be 1 or more, not {part_bytes}")
        self.folder = folder
        self._format = file_format
        self._lock: FolderLock | None = self._take_folder()
        self._part_bytes = part_bytes
        self._file: IO[bytes] | None = None
        self._path = folder
        self._size = 0

    def write(self, rows: Sequence[GroupRow]) -> None:
        """Writes rows, all or none.

        Raises:
            OSError: They cannot be written.
        """
        file = self._open_part() if self._file is None else self._file
        # Escaped to ASCII, which holds lone surrogates too.
        data = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode("ascii")
        try:
            _write_all(file, data)
            os.fsync(file.fileno())
        except OSError:
            # A row that is there by half would spoil the ones to come.
            file.truncate(self._size)
            file.seek(self._size)
            raise
        self._size += len(data)
        if self._size >= self._part_bytes:
            self._close_part()

    def close(self) -> None:
        """Closes the last part and unlocks the folder; a later row would begin another part."""
        self._close_part()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_file": None, "_lock": None, "_size": 0}

    def _close_part(self) -> None:
        if self._file is None:
            return
        self._file.close()
        self._file = None
        if self._format == "parquet":
            _rewrite_as_parquet(self._path)

    def _take_folder(self) -> FolderLock:
        """Locks the folder, and removes what a process that was killed left half-written."""
        lock = FolderLock(self.folder)
        for leftover in self.folder.glob(temporary_path(Path("rollouts-*.parquet")).name):
            leftover.unlink()
        return lock

    def _open_part(self) -> IO[bytes]:
        if self._lock is None:
            self._lock = self._take_folder()
        taken = [number for number, _ in _parts(self.folder)]
        number = max(taken, default=-1) + 1
        while self._file is None:
            self._path = self.folder / f"rollouts-{number:06d}.jsonl"
            try:
                self._file = self._path.open("xb", buffering=0)
            except FileExistsError:  # another writer of this process
                number += 1
        self._size = 0
        sync_folder(self.folder)
        return self._file


def read_rollouts(folder: str | os.PathLike[str]) -> Iterator[GroupRow]:
    """Reads the rows of a folder in the order in which they were written.

    Args:
        folder: Where `RecordRollouts` wrote.

    Yields:
        The rows, from JSON Lines and Parquet alike.

    Raises:
        ValueError: A line other than a torn last one cannot be read.
    """
    for _, path in _parts(Path(folder)):
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            for batch in pq.ParquetFile(path).iter_batches(batch_size=256):
                yield from batch.to_pylist()
        else:
            yield from _json_rows(path)


def _json_rows(path: Path) -> Iterator[GroupRow]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return  # torn by a crash: a whole row ends its line
            try:
                row: GroupRow = parse_json(line)
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: not a row of JSON: {error}") from error
            yield row


def _parts(folder: Path) -> list[tuple[int, Path]]:
    """The parts by number; of one that is there twice, the Parquet file, which is whole."""
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):  # .jsonl comes before .parquet
        match = _PART.fullmatch(path.name)
        if match:
            found[int(match[1])] = path
    return sorted(found.items())


def _rewrite_as_parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [_encodable(row) for row in _json_rows(path)]
    table = pa.Table.from_pylist(rows, schema=pa.schema(list(_arrow_type(GroupRow))))
    with replacing(path.with_suffix(".parquet")) as file:
        pq.write_table(table, file)
    path.unlink()


def _arrow_type(annotation: Any) -> Any:
    """The Arrow type of the values of an annotated field; any of them may be null."""
    import pyarrow as pa

    if is_typeddict(annotation):
        fields = get_type_hints(annotation).items()
        return pa.struct([(name, _arrow_type(each)) for name, each in fields])
    if get_origin(annotation) is list:
        return pa.list_(_arrow_type(get_args(annotation)[0]))
    if get_origin(annotation) is types.UnionType:  # with None
        return _arrow_type(get_args(annotation)[0])
    return {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}[annotation]


def _encodable(value: Any) -> Any:
    """The value with lone surrogates written out, as Parquet holds valid UTF-8 alone."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {key: _encodable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    return value


def _write_all(file: IO[bytes], data: bytes) -> None:
    """Writes it all: without a buffer, one call may write less."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
