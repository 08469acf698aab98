"""Proofs that two answers are equal, or points where they differ, by SymPy in its own process.

- `prove`: compares two answers.
- `Prover`: the process, for many pairs.
- `Proof`: the verdict, and what supports it.

Keys decide votes and grades; a proof is a second opinion for a person. It has limits on time and
memory: the process is killed at its deadline, and started again for the next pair.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from types import TracebackType
from typing import Final, Literal, NamedTuple

__all__ = ["Proof", "Prover", "prove"]

_START: Final = 60.0
"""Seconds that the process may take to import SymPy."""
_LIMITED: Final = (
    "import resource, runpy, sys; size = int(sys.argv.pop(1)) << 20; "
    "resource.setrlimit(resource.RLIMIT_AS, (size, size)); "
    "runpy.run_module('ttrl_env.answers.symbolic', run_name='__main__')"
)


class Proof(NamedTuple):
    """What was found out about two answers.

    Attributes:
        verdict: "proved", "refuted" or "unknown".
        detail: Why; for "refuted", a point where the two differ.
    """

    verdict: Literal["proved", "refuted", "unknown"]
    detail: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.detail}"


class Prover:
    """A process that proves, used as a context manager.

    Args:
        timeout: Seconds for one pair.
        megabytes: Address space of the process.
    """

    def __init__(self, timeout: float = 10.0, megabytes: int = 2048) -> None:
        self.timeout = timeout
        self.megabytes = megabytes
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()

    def __enter__(self) -> Prover:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def prove(self, a: str, b: str) -> Proof:
        """Returns what can be said about two answers within the limits."""
        process = self._process or self._started()
        if process is None or process.stdin is None:
            return Proof("unknown", "the process did not start")
        try:
            process.stdin.write(json.dumps([a, b]) + "\n")
            process.stdin.flush()
            line = self._lines.get(timeout=self.timeout)
        except queue.Empty:
            self.close()
            return Proof("unknown", f"no answer within {self.timeout:g} seconds")
        except OSError:
            line = ""
        if not line:
            self.close()
            return Proof("unknown", "the process ended; it may have run out of memory")
        verdict, detail = json.loads(line)
        return Proof(verdict, detail)

    def close(self) -> None:
        """Kills the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[str] | None:
        """Starts the process, and returns it once it is ready."""
        self._process = process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-c", _LIMITED, str(self.megabytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._lines = queue.Queue()
        threading.Thread(target=_read, args=(process, self._lines), daemon=True).start()
        try:
            ready = self._lines.get(timeout=_START)
        except queue.Empty:
            ready = ""
        if not ready:
            self.close()
        return self._process


def _read(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    """Hands on the lines of a process; an empty one says that it has ended."""
    if process.stdout is not None:
        for line in process.stdout:
            lines.put(line)
    lines.put("")


def prove(a: str, b: str, timeout: float = 10.0) -> Proof:
    r"""Compares two answers by SymPy.

    >>> prove(r"\ln|x|", r"\ln x").verdict
    'refuted'
    """
    with Prover(timeout) as prover:
        return prover.prove(a, b)
