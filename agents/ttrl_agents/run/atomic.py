"""Folders that appear whole or not at all, also when the process is killed.

- `replace_folder`: fills a temporary folder and replaces an old one with it.
- `remove_folder`: removes one so that a part of it is never seen.
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

__all__ = ["claim_folder", "remove_folder", "replace_folder", "temporary_folder", "tidy"]


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
    aside, old = temporary_folder(path), path.with_name(f".{path.name}.old")
    for leftover in (aside, old):
        if leftover.exists():
            shutil.rmtree(leftover)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sync_folder(path.parent.parent)  # path.parent may be new in it
        aside.mkdir()
        with _os_errors(aside):
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
    if path.exists():
        path.rename(old)
    aside.rename(path)
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
def _os_errors(path: Path) -> Iterator[None]:
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
