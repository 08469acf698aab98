"""Processes that can be killed: forks of this one, which has imported everything already.

- `start`: starts a call in a fork.
- `Process`: the fork; waits for it, and tells how it ended.
- `Kill`: the instant of a kill: after some seconds, or before the n-th operation on a file.
- `command`: a command line of `ttrl` as such a call.
- `new_folder`: a folder for what they write.

A fork costs a few milliseconds where a new interpreter would import PyTorch for seconds.
"""

from __future__ import annotations

import functools
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT = 600.0  # seconds after which a process counts as hung, on a busy machine too
_POLL = 0.002
_OPERATIONS = {
    "open",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.truncate",
}


@dataclass(frozen=True)
class Kill:
    """The instant of a kill.

    Attributes:
        seconds: After so many seconds.
        operation: Instead, before the n-th operation on a file in the folder of the trial.
    """

    seconds: float | None = None
    operation: int | None = None

    @classmethod
    def draw(cls, rng: random.Random, seconds: float, operations: int) -> Kill:
        """Draws an instant within a process of this length, half of the time at a file."""
        if rng.random() < 0.5:
            return cls(seconds=rng.uniform(0, seconds))
        return cls(operation=rng.randint(1, max(1, operations)))


@dataclass
class Process:
    """A fork.

    Attributes:
        pid: Its number.
        log: What it prints goes here.
        began: When it was started.
    """

    pid: int
    log: Path
    began: float
    status: int | None = None

    def wait(self, kill: Kill | None = None) -> Process:
        """Waits until it has ended, or kills it at its instant or when it hangs."""
        seconds = LIMIT if kill is None or kill.seconds is None else kill.seconds
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() - self.began > seconds:
                os.kill(self.pid, signal.SIGKILL)
                _, status = os.waitpid(self.pid, 0)
                self.status = os.waitstatus_to_exitcode(status)
            else:
                time.sleep(_POLL)
        return self

    @property
    def seconds(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self.began

    @property
    def killed(self) -> bool:
        """Whether a signal ended it."""
        return self.status == -signal.SIGKILL

    @property
    def printed(self) -> str:
        """What it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def operations(self) -> int:
        """How many operations on files it counted; known once it has ended by itself."""
        return int(self.log.with_suffix(".count").read_text())


def start(
    call: Callable[[], Any], log: Path, *, folder: Path | None = None, kill: Kill | None = None
) -> Process:
    """Starts a call in a fork of this process.

    Args:
        call: What it does; what it returns, if that is a number, is its exit status.
        log: Where its output goes.
        folder: Where operations on files are counted.
        kill: If it names an operation, the fork kills itself there.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    pid = os.fork()
    if pid:
        return Process(pid, log, began)
    status = 99
    try:
        _redirect(log)
        count = [0]
        if folder is not None:
            _count_operations(folder, count, None if kill is None else kill.operation)
        returned = call()
        status = returned if isinstance(returned, int) else 0
        log.with_suffix(".count").write_text(str(count[0]))
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - of a fork nothing may return into the loop of its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def command(*words: object) -> Callable[[], int]:
    """Returns a command line of `ttrl` as a call, which returns its exit status."""

    def call() -> int:
        from ttrl_agents.cli.entry import main

        return main([str(word) for word in words])

    return call


def new_folder() -> Path:
    """Returns a new folder, which is removed when this process ends."""
    return Path(tempfile.mkdtemp(dir=_scratch().name))


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="torture-")


def _redirect(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (descriptor, 1), (descriptor, 2)):
        os.dup2(source, target)
    # New ones: those of the parent may hold what it has not printed yet, or lead elsewhere.
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))


def _count_operations(folder: Path, count: list[int], last: int | None) -> None:
    """Counts the operations on files in a folder, and dies before the last one."""
    place = str(folder)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _OPERATIONS or not arguments:
            return
        if isinstance(arguments[0], str | os.PathLike) and place in os.fspath(arguments[0]):
            count[0] += 1
            if count[0] == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
