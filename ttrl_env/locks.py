"""The lock of a folder, which keeps a second process from writing into it.

- `FolderLock`: holds a folder until it is released or the process ends.
- `FolderInUseError`: another process holds it.
- `LOCK`: the name of the file in the folder that is locked.

The operating system drops the lock of a process that dies, so a lock is never left behind. It binds
only programs that ask for it. Within one process a folder may be locked several times: the lock
tells processes apart, not threads. On a network file system it works where the system passes locks
to the server, as Linux does for NFS and SMB; where a file system has no locks, a warning says so.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shlex
import socket
import sys
import time
import warnings
import weakref
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from ttrl_benchmarks.errors import UserError

__all__ = ["LOCK", "FolderInUseError", "FolderLock", "LockWarning"]

LOCK = ".lock"
_LONGEST_COMMAND = 200
_FAR_BYTE = 2**30  # Windows locks bytes, and nobody can read those; the text is before this one
_ATTEMPTS = 10
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


class FolderInUseError(UserError, RuntimeError):
    """Another process writes into the folder; the message names its host, process and command."""


class LockWarning(UserWarning):
    """The file system has no locks, so nothing keeps a second process out of the folder."""


class FolderLock:
    """The lock of a folder, held from the moment it is made.

    The folder is made where it is missing. A lock that is released takes with it the file `.lock`,
    and the folder if this lock made it and nothing was written into it.

    Args:
        folder: The folder.
        name: The name of the locked file. Programs that may work side by side use different ones.
        new: Whether the folder was just made for this, so that it goes where nothing is written,
            with its parent if that is then empty.

    Raises:
        FolderInUseError: Another process holds the lock.
        OSError: The folder cannot be made or written to.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, FolderLock(folder):
    ...     print(os.listdir(folder))
    ['.lock']
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, name: str = LOCK, new: bool = False
    ) -> None:
        self.folder = Path(folder)
        held, made = _make_and_share(self.folder, name)
        made = [self.folder, self.folder.parent] if new else made
        # Also when the lock is forgotten or the interpreter ends.
        self._finalizer = weakref.finalize(self, _let_go, held, made)

    def release(self) -> None:
        """Lets others have the folder; may be called more than once."""
        self._finalizer()

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


@dataclass
class _Held:
    """A file that this process has locked.

    Attributes:
        path: The file.
        descriptor: Its open descriptor; `None` on a file system without locks.
        process: The process that locked it; a fork of it holds nothing.
        count: How many `FolderLock`s share it.
    """

    path: Path
    descriptor: int | None
    process: int
    count: int = 1


_held: dict[Path, _Held] = {}
_guard = Lock()


def _make_and_share(folder: Path, name: str) -> tuple[_Held, list[Path]]:
    """Locks a folder; returns the lock, and the folders that were made for it."""
    for attempt in range(_ATTEMPTS):
        made: list[Path] = []
        try:
            made = _make(folder)
            return _share(folder / name), made
        except BaseException as error:
            _remove_empty(made)
            # Another process made the folder too, and has just removed it again. `mkdir` then says
            # that it exists if it went in between the two looks that `exist_ok` takes.
            gone = isinstance(error, FileNotFoundError | FileExistsError)
            if not gone or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _share(path: Path) -> _Held:
    """Locks a file, or counts one more owner where this process has locked it."""
    place = path.parent.resolve() / path.name
    with _guard:
        held = _held.get(place)
        if held is not None and held.process == os.getpid():
            held.count += 1
            return held
        held = _Held(place, _open_locked(place), os.getpid())
        _held[place] = held
        return held


def _let_go(held: _Held, made: list[Path]) -> None:
    """Counts one owner less; the last one unlocks."""
    with _guard:
        if held.process != os.getpid():
            return
        held.count -= 1
        if held.count == 0:
            del _held[held.path]
            if held.descriptor is not None:
                _close_and_remove(held.path, held.descriptor)
    _remove_empty(made)


def _open_locked(path: Path) -> int | None:
    """Returns the descriptor of a file that is locked now, `None` where there are no locks."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(descriptor)
        except OSError as error:
            holder = _describe(descriptor)
            os.close(descriptor)
            if error.errno in _TAKEN:
                raise FolderInUseError(
                    f"{path.parent} is in use: {holder} writes into it. Wait until that has ended, "
                    "or name another folder."
                ) from error
            with contextlib.suppress(OSError):
                path.unlink()
            warnings.warn(
                f"The file system of {path.parent} has no locks ({error.strerror}): nothing keeps "
                "a second process from writing into this folder.",
                LockWarning,
                stacklevel=5,
            )
            return None
        # Whoever held it before may have removed it between the two calls.
        if _is_file_at(descriptor, path):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps(_about_us()).encode())
            return descriptor
        os.close(descriptor)


def _close_and_remove(path: Path, descriptor: int) -> None:
    """Unlocks; on Windows, where an open file cannot be removed, the file stays."""
    with contextlib.suppress(OSError):  # a folder that was removed or made read-only meanwhile
        if os.name == "posix" and _is_file_at(descriptor, path):
            path.unlink()
    os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        # Of the open file: unlike the locks of POSIX, closing another descriptor does not drop it.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _forget_in_fork() -> None:
        """Closes the descriptors that a fork has, which would keep the lock after its parent."""
        global _guard
        _guard = Lock()
        for held in _held.values():
            if held.descriptor is not None:
                os.close(held.descriptor)
        _held.clear()

    os.register_at_fork(after_in_child=_forget_in_fork)


def _is_file_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _about_us() -> dict[str, Any]:
    program, *arguments = sys.argv or ["python"]
    command = shlex.join([Path(program).name or "python", *arguments])
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "command": command[:_LONGEST_COMMAND],
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


def _describe(descriptor: int) -> str:
    """Says who holds a lock, as far as its file tells."""
    try:
        about = json.loads(os.read(descriptor, 4096))
        words = {name: str(about[name]) for name in ("host", "pid", "command", "since")}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"
    shown = {name: "".join(filter(str.isprintable, each)) for name, each in words.items()}
    return "process {pid} on {host} ({command}, since {since})".format(**shown)


def _make(folder: Path) -> list[Path]:
    """Makes a folder with its parents; returns those that are new, innermost first."""
    missing = []
    for each in (folder, *folder.parents):
        if each.exists():
            break
        missing.append(each)
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_empty(folders: list[Path]) -> None:
    for each in folders:
        try:
            each.rmdir()
        except OSError:  # it holds something, or is gone
            return
