"""Folders that appear whole or not at all, also when the process is killed.

- `replace_folder`: fills a temporary folder and replaces an old one with it.
- `move_folder`: puts one in the place of another.
- `remove_folder`: removes one so that a part of it is never seen.
- `os_errors`: errors of the operating system where safetensors wraps them.
- `temporary_folder`: where it is filled.
- `tidy`: completes what a kill interrupted.
- `claim_folder`: makes a new folder whose name no other process has taken.

Single files: `ttrl_env.files`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from safetensors import SafetensorError

from ttrl_env.files import sync_folder

__all__ = [
    "claim_folder",
    "move_folder",
    "os_errors",
    "remove_folder",
    "replace_folder",
    "temporary_folder",
    "tidy",
]


def claim_folder(wanted: Path) -> Path:
    """Makes a new folder and returns its path; if the name is taken, a number is added.

    The process that makes the folder owns the name, so two processes never share one.

    Args:
        wanted: The folder to make, parents included.
    """
    wanted.parent.mkdir(parents=True, exist_ok=True)
    folder, count = wanted, 1
    while True:
        try:
            folder.mkdir()
        except FileExistsError:
            count += 1
            folder = wanted.with_name(f"{wanted.name}-{count}")
        else:
            return folder


def temporary_folder(path: Path) -> Path:
    """Returns where `replace_folder` fills the folder that takes the place of `path`."""
    return path.with_name(f".{path.name}.tmp")


def replace_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Fills a temporary folder and replaces the old one with it.

    Args:
        path: The folder, which may or may not exist.
        fill: Writes the files into the folder that it is given.

    Raises:
        OSError: The files could not be written; the old folder is as it was.
    """
    aside = temporary_folder(path)
    if aside.exists():
        shutil.rmtree(aside)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sync_folder(path.parent.parent)  # path.parent may be new in it
        aside.mkdir()
        with os_errors(aside):
            fill(aside)
        for each in (*aside.rglob("*"), aside):
            if each.is_dir():
                sync_folder(each)
            else:
                with each.open("r+b") as handle:
                    os.fsync(handle.fileno())
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    move_folder(aside, path)


def move_folder(source: Path, path: Path) -> None:
    """Puts a folder in the place of another, which may or may not exist, in the same parent."""
    old = path.with_name(f".{path.name}.old")
    if old.exists():
        shutil.rmtree(old)
    if path.exists():
        path.rename(old)
    source.rename(path)
    sync_folder(path.parent)
    if old.exists():
        shutil.rmtree(old)


def remove_folder(path: Path) -> None:
    """Renames a folder, then removes it, so that a kill leaves no part of it in its place."""
    gone = path.with_name(f".{path.name}.gone")
    if gone.exists():
        shutil.rmtree(gone)
    path.rename(gone)
    shutil.rmtree(gone)


def tidy(parent: Path) -> None:
    """Completes what a kill interrupted: no complete folder is lost, and no partial one stays.

    Args:
        parent: The folder whose folders `replace_folder` and `remove_folder` wrote.
    """
    for leftover in parent.glob(".*.old"):
        place = parent / leftover.name[1:].removesuffix(".old")
        if place.exists():
            shutil.rmtree(leftover)
        else:  # killed between the two renames of `replace_folder`
            leftover.rename(place)
    for pattern in (".*.tmp", ".*.gone"):
        for leftover in parent.glob(pattern):
            shutil.rmtree(leftover)


@contextlib.contextmanager
def os_errors(path: Path) -> Iterator[None]:
    """Raises errors of the operating system that safetensors wraps, e.g. a full disk, as `OSError`.

    safetensors reports them only in the text of its own error.
    """
    try:
        yield
    except SafetensorError as error:
        code = re.search(r"os error (\d+)", str(error))
        if code is None:
            raise
        raise OSError(int(code[1]), os.strerror(int(code[1])), str(path)) from error
