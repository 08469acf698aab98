"""An engine in a separate process, whose crash does not end the run.

- `EngineProcess`: starts the engine, sends it requests, notices a crash or a hang, ends it.
- `EngineError`: the error raised when it fails.
- `Channel`: messages of JSON and arrays between the two.
- `end_with`: ends the engine when the run is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ttrl_agents.errors import AgentError

__all__ = ["Channel", "EngineError", "EngineProcess", "end_with"]

Array = npt.NDArray[Any]
_LOG_TAIL = 4096


class EngineError(AgentError):
    """The engine died, hung, or reported a failure."""


class Channel:
    """Messages between two processes: a JSON object, and arrays as raw bytes.

    Args:
        connection: Its end of a pipe.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def bear(self, seconds: float) -> None:
        """Makes `send` and `receive` raise `BlockingIOError` after this long without progress."""
        pause = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))
        with socket.socket(fileno=os.dup(self.connection.fileno())) as end:
            end.settimeout(None)  # the kernel's timeout alone, whatever Python's default is
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, pause)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, pause)

    def send(self, message: dict[str, Any], arrays: Sequence[Array] = ()) -> None:
        """Sends a message."""
        kinds = [[str(each.dtype), list(each.shape)] for each in arrays]
        self.connection.send_bytes(json.dumps({**message, "arrays": kinds}).encode())
        for each in arrays:
            self.connection.send_bytes(np.ascontiguousarray(each).tobytes())

    def receive(self) -> tuple[dict[str, Any], list[Array]]:
        """Receives a message.

        Raises:
            EOFError: The other side is gone.
        """
        message = json.loads(self.connection.recv_bytes())
        arrays = [
            np.frombuffer(self.connection.recv_bytes(), dtype=dtype).reshape(shape)
            for dtype, shape in message.pop("arrays")
        ]
        return message, arrays


class EngineProcess:
    """An engine that runs as `python -m MODULE` and communicates over a pipe.

    Args:
        module: What to run. Its arguments are the number of its end of the pipe, and `folder`.
        environment: What to add to the environment of the process.
        folder: Its working directory and its folder for temporary files. If the run is killed, the
            engine has to remove it.
        log: Where its output goes.
        timeout: Seconds of silence after which it counts as hung.
        inherit: File descriptors that it may use.
    """

    def __init__(
        self,
        module: str,
        environment: Mapping[str, str],
        folder: Path,
        log: Path,
        timeout: float,
        inherit: Sequence[int] = (),
    ) -> None:
        self.log = log
        self.timeout = timeout
        ours, theirs = Pipe()
        path = os.pathsep.join(map(os.path.abspath, sys.path))
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._log_start = output.seek(0, os.SEEK_END)
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", module, str(theirs.fileno()), str(folder)],
                pass_fds=[theirs.fileno(), *inherit],
                cwd=folder,
                env={**os.environ, **environment, "TMPDIR": str(folder), "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the run, which then ends the engine
            )
        theirs.close()
        self._channel = Channel(ours)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs, as far as is known."""
        return self._process.returncode is None

    def ask(
        self,
        message: dict[str, Any],
        arrays: Sequence[Array] = (),
        *,
        on_progress: Callable[[int], None] | None = None,
        on_finished: Callable[[list[int]], None] | None = None,
        on_more: Callable[[], dict[str, Any]] | None = None,
        timeout: float | None = None,
    ) -> tuple[dict[str, Any], list[Array]]:
        """Sends a message and waits for its answer.

        Args:
            message: What to ask; `"command"` names the request.
            arrays: The arrays that belong to it.
            on_progress: Called with every count of new tokens that comes before the answer.
            on_finished: Called with the completions that are finished by then, by their place in
                the answer.
            on_more: Called when the engine asks for more before it answers; returns what it is
                told.
            timeout: Seconds of silence allowed this time; by default those of the process.

        Raises:
            EngineError: The engine died, stayed silent, or answered with an error.
        """
        what, patience = message["command"], timeout or self.timeout
        try:
            self._channel.bear(patience)
            self._channel.send(message, arrays)
            while True:
                answer, results = self._channel.receive()
                if "progress" in answer:
                    if on_progress is not None:
                        on_progress(answer["progress"])
                    if on_finished is not None:
                        on_finished(answer["finished"])
                elif "more" in answer and on_more is not None:
                    self._channel.send(on_more())
                else:
                    break
        except BlockingIOError:
            self.end()  # an answer that comes late would be taken for the next one
            raise EngineError(
                f"The engine has not answered ({what}) for {patience:g} seconds."
            ) from None
        except (EOFError, OSError):
            self.end()
            raise EngineError(
                f"The engine died ({what}), {self._cause()}. {self._last_words()}"
            ) from None
        except BaseException:  # Ctrl-C, or a fault of on_progress
            self.end()
            raise
        if "error" in answer:
            raise EngineError(f"The engine failed ({what}): {answer['error']}")
        return answer, results

    def end(self) -> None:
        """Ends the process and all that it has started; a second call does nothing."""
        if self._process.returncode is None:  # not waited for, so its number is still its own
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._channel.connection.close()

    def _cause(self) -> str:
        status = self._process.returncode
        return f"killed by signal {-status}" if status < 0 else f"exit status {status}"

    def _last_words(self) -> str:
        said = self.log.read_bytes()[self._log_start :]  # not the output of earlier engines
        text = said[-_LOG_TAIL:].decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return f"Its log, {self.log}, ends: {lines[-1]}" if lines else f"Its log is {self.log}."


def end_with(connection: Connection, folder: Path) -> None:
    """Ends this process and all that it has started once the other end of its pipe is closed.

    A run that is killed cannot end its engine, which may be busy for minutes, or hang.

    Args:
        connection: This process's end.
        folder: A folder to remove as well.
    """
    poller = select.poll()
    poller.register(connection.fileno(), 0)  # 0: wake only when the other side is closed

    def wait() -> None:
        poller.poll()
        shutil.rmtree(folder, ignore_errors=True)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()
