"""The output of a run, whose reader or terminal may go away before the run ends.

- `RunConsole`: a console that tells the run when nobody reads it any more.
- `Stopping`: calls a function on the signals that ask a process to stop.
- `tell`: prints a sentence to standard error, if that is still there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

from rich.console import Console

__all__ = ["RunConsole", "Stopping", "tell"]

# Ctrl-C, a polite kill, and a terminal that was closed; not every system has the last.
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class RunConsole(Console):
    """Prints plain text; when the reader goes away, as in `| head`, it says so instead of ending.

    Args:
        on_gone: Called once, when what is printed can no longer be read.
    """

    def __init__(self, on_gone: Callable[[], None]) -> None:
        super().__init__(highlight=False, file=cast(IO[str], _StandardOutput()))
        self._on_gone = on_gone

    def on_broken_pipe(self) -> None:
        """Prints nothing from now on, and tells the run."""
        self.quiet = True
        _discard(sys.stdout)
        self._on_gone()


class _StandardOutput:
    """Standard output, for which a terminal that was closed is a pipe that broke."""

    @property
    def rich_proxied_file(self) -> _StandardOutput:
        """What Rich writes to, where it asks for what is behind a stream."""
        return self

    def write(self, text: str) -> int:
        with _closed_is_broken():
            return self._stream.write(text)

    def flush(self) -> None:
        with _closed_is_broken():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def _stream(self) -> IO[str]:
        # While Rich shows a live display, sys.stdout is a proxy of its own.
        stream: IO[str] = getattr(sys.stdout, "rich_proxied_file", sys.stdout)
        return stream


class Stopping:
    """A context in which the signals that ask a process to stop call a function.

    Under `nohup`, a terminal that is closed changes nothing. Once it is closed, nothing is written
    to it, which would be an error.

    Args:
        handle: Called on each such signal.
    """

    def __init__(self, handle: Callable[[], None]) -> None:
        self._handle = handle
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and _is_ignored(number)):
                continue
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *details: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: Any) -> None:  # noqa: ARG002 - the signature of a handler
        if signal.Signals(number).name == "SIGHUP":
            for stream in (sys.stdout, sys.stderr):
                if _is_terminal(stream):
                    _discard(stream)
        self._handle()


def _is_ignored(number: int) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


def tell(sentence: str) -> None:
    """Prints a sentence to standard error; nothing where that has gone away too."""
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)  # noqa: T201


@contextlib.contextmanager
def _closed_is_broken() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        raise BrokenPipeError(errno.EPIPE, "the terminal was closed") from error


def _is_terminal(stream: IO[str]) -> bool:
    """Returns whether a stream leads to a terminal, also one that is closed already."""
    try:
        return stat.S_ISCHR(os.fstat(stream.fileno()).st_mode)
    except OSError:  # no descriptor, as in a notebook
        return False


def _discard(stream: IO[str]) -> None:
    """Lets a stream lead nowhere, also what Python itself writes to it at its end."""
    with contextlib.suppress(OSError):  # one without a descriptor, as in a notebook
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
