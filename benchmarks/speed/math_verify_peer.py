"""Math-Verify as a peer of `ttrl_env.answers`, in a process that can be killed.

- `MathVerify`: its verdicts, extractions and groups, each with a time limit from outside, since
  its own is a signal that works in the main thread only and does not stop everything there.
"""

from __future__ import annotations

import importlib.util
import multiprocessing as mp
import time
from multiprocessing.connection import Connection
from typing import Any, Final

LIMIT: Final = 10.0
"""Seconds after which a call is killed."""


def installed() -> bool:
    """Whether Math-Verify can be run beside us."""
    return importlib.util.find_spec("math_verify") is not None


def _wrapped(text: str) -> str:
    """Wrap a bare answer as Math-Verify wants it: in dollars, unless it has its own."""
    return text if "$" in text or "\\boxed" in text or "\\[" in text else f"${text}$"


def _serve(pipe: Connection) -> None:
    import logging

    from math_verify import parse, verify

    logging.disable(logging.CRITICAL)
    pipe.send("ready")
    while True:
        task, arguments = pipe.recv()
        start = time.perf_counter()
        answer: Any
        if task == "equal":
            gold, answer_text = arguments
            answer = verify(parse(_wrapped(gold)), parse(_wrapped(answer_text)))
        elif task == "extract":
            text, gold = arguments
            found = parse(text)
            answer = bool(found) if gold is None else verify(parse(_wrapped(gold)), found)
        else:
            parsed = [parse(_wrapped(text)) for text in arguments]
            representatives: list[Any] = []
            answer = []
            for each in parsed:
                for number, other in enumerate(representatives):
                    if verify(other, each):
                        answer.append(number)
                        break
                else:
                    answer.append(len(representatives))
                    representatives.append(each)
        pipe.send((answer, time.perf_counter() - start))


class MathVerify:
    """A worker process that runs Math-Verify and is started anew when it had to be killed."""

    def __init__(self) -> None:
        self.process: mp.process.BaseProcess | None = None
        self.killed = 0

    def call(self, task: str, arguments: object) -> tuple[Any, float]:
        """Return the result of a task and its time; None where it had to be killed or died."""
        if self.process is None or not self.process.is_alive():
            self.pipe, far = mp.get_context("spawn").Pipe()
            self.process = mp.get_context("spawn").Process(target=_serve, args=(far,), daemon=True)
            self.process.start()
            self.pipe.recv()
        self.pipe.send((task, arguments))
        try:
            if self.pipe.poll(LIMIT):
                result: tuple[Any, float] = self.pipe.recv()
                return result
        except EOFError:
            pass
        self.killed += 1
        self.process.kill()
        self.process.join()
        return None, LIMIT
