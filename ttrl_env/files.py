"""Files that appear whole or not at all, also when the process is killed or the power fails.

- `write_atomically`: writes a text file.
- `replacing`: a context in which any program writes a file that then takes the place of another.
- `append_durably`: adds to a file what must be on the disk when the call returns.
- `parse_json`: reads JSON that anyone may have edited.
- `sync_folder`: makes the names in a folder durable.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

__all__ = [
    "append_durably",
    "parse_json",
    "replacing",
    "sync_folder",
    "temporary_path",
    "write_atomically",
]


def temporary_path(path: Path) -> Path:
    """Returns where a file is written before it takes its place.

    >>> print(temporary_path(Path("run/config.json")))
    run/.config.json.tmp
    """
    return path.with_name(f".{path.name}.tmp")


def write_atomically(path: Path, text: str) -> None:
    """Writes a text file whole or not at all, in UTF-8."""
    with replacing(path) as file:
        file.write(text.encode())


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Opens a temporary file that takes the place of `path` when the context ends without error.

    Args:
        path: The file to write, new or not; its folder exists.

    Yields:
        The temporary file, open for writing. After an error it is removed.
    """
    temporary = temporary_path(path)
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def append_durably(path: Path, text: str) -> None:
    """Adds text to a file, in UTF-8, and returns when it is on the disk."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def parse_json(text: str | bytes) -> Any:
    """Returns what JSON holds.

    Raises:
        ValueError: It is not JSON, not text, or nested too deeply to be read.

    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ValueError: it is nested too deeply
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder outlast a loss of power, where the system offers it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
