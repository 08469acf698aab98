"""The launcher: starts the processes of a run on this machine, and starts them again if one dies.

- `Launch`: how many processes, on how many machines, and where those meet.
- `launch`: runs a function in all of them.
- `asked_to_stop`: whether the launcher of this process has been asked to stop.
- `RETRY`: the exit status of a process that has lost another one.
- `SAME_SIGNAL`: seconds within which a second signal is taken for the first one again.

It is PyTorch's elastic agent, the one behind `torchrun`, with other defaults: a free port for each
attempt, enough time to save before processes are killed, and no restart after an error that would
come again.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ttrl_agents.errors import AgentError

__all__ = ["RETRY", "SAME_SIGNAL", "Launch", "asked_to_stop", "launch"]

RETRY = 75  # as sendmail and others say "try again"
_RESTARTS = 3
_SECONDS_TO_SAVE = 600
_SECONDS_TO_MEET = 3600  # for a machine that takes the place of a lost one
_INTERRUPTED = 130
_STOPPING = "TTRL_LAUNCHER_STOPPING"
# Ctrl-C in a terminal reaches a process twice: by itself, and from its launcher.
SAME_SIGNAL = 2.0


@dataclass(frozen=True)
class Launch:
    """The processes of a run.

    Attributes:
        gpus: Processes on each machine, one for each GPU.
        machines: Machines; the same command is run on each.
        meet: Where they find each other, `HOST:PORT` of one of them.

    Raises:
        AgentError: A number is out of its range, or machines do not know where to meet.
    """

    gpus: int = 1
    machines: int = 1
    meet: str | None = None

    def __post_init__(self) -> None:
        for name, value in (("gpus", self.gpus), ("machines", self.machines)):
            if value < 1:
                raise AgentError(f"--{name} must be 1 or more, not {value}.")
        if self.machines > 1 and self.meet is None:
            raise AgentError(
                f"--machines {self.machines} need --meet HOST:PORT, a free port of one of them, "
                "the same in the command of each."
            )
        if self.meet is not None and not self.meet.rpartition(":")[2].isdigit():
            raise AgentError(f"--meet {self.meet} names no port; it should be HOST:PORT.")

    @property
    def processes(self) -> int:
        """Processes on all machines together."""
        return self.gpus * self.machines

    @property
    def several(self) -> bool:
        """Whether there is more than one process."""
        return self.processes > 1

    def check_device(self, device: str) -> None:
        """Checks that this machine has a GPU for each process.

        Args:
            device: The option `--device`.

        Raises:
            AgentError: It has fewer, or the device is one GPU by its number.
        """
        import torch

        if device == "cpu":
            return
        if device not in ("auto", "cuda"):
            raise AgentError(
                f"--device {device} is one device, and --gpus {self.gpus} asks for a process on "
                "each of several. Leave --device out, or use --device cpu."
            )
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count < self.gpus:
            raise AgentError(
                f"--gpus {self.gpus} were asked for, and PyTorch finds {count or 'none'} here. "
                f"Use --gpus {count} or fewer"
                + ("." if count else ", or --device cpu to run that many processes without one.")
            )


def launch(how: Launch, worker: Callable[..., int], *arguments: Any) -> int:
    """Runs a function in every process; returns the exit status of the whole.

    Args:
        how: The processes.
        worker: Returns an exit status. It is imported by its name in each process. One that ends
            without returning is taken for dead: all processes are started again, three times at
            most.
        arguments: Plain values to call it with.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous.api import RendezvousError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # Else a new attempt talks to the store of the last one, whose processes are dead.
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (cores or 1) // how.gpus)))
    _silence_elastic()
    config = LaunchConfig(
        min_nodes=how.machines,
        max_nodes=how.machines,
        nproc_per_node=how.gpus,
        run_id=f"ttrl-{how.meet or os.getpid()}",
        rdzv_backend="c10d",
        rdzv_endpoint=how.meet or "localhost:0",
        rdzv_configs={"join_timeout": _SECONDS_TO_MEET},
        local_addr=None if how.machines > 1 else "localhost",
        max_restarts=_RESTARTS,
        shutdown_timeout=_SECONDS_TO_SAVE,
        signals_to_handle="SIGQUIT",  # the others are ours
    )
    with _forwarded_signals():
        try:
            statuses = elastic_launch(config, worker)(*arguments)
        except ChildFailedError as error:
            if asked_to_stop():
                return _INTERRUPTED
            rank, failure = error.get_first_failure()
            print(  # noqa: T201
                f"ttrl: Process {rank} of the run ended with status {failure.exitcode}, after "
                f"{_RESTARTS} attempts to go on. The last checkpoint is whole.",
                file=sys.stderr,
            )
            return 1
        except RendezvousError:
            if asked_to_stop():
                return _INTERRUPTED
            print(  # noqa: T201
                f"ttrl: The {how.machines} machines of this run do not find each other at "
                f"{how.meet}: one of them is gone, or did not come within "
                f"{_SECONDS_TO_MEET // 60} minutes. Start the same command on all of them again: "
                "the run goes on from its last checkpoint.",
                file=sys.stderr,
            )
            return 1
        except SignalException:  # SIGQUIT: the processes have ended at once
            return _INTERRUPTED
    return max(statuses.values(), default=0)


def _silence_elastic() -> None:
    """Keeps the agent's records of dead processes, with tracebacks of its own, out of the output.

    Each of its loggers has a level of its own.
    """
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("torch.distributed.elastic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def asked_to_stop() -> bool:
    """Returns whether the launcher was asked to stop before it started this process."""
    return _STOPPING in os.environ


@contextlib.contextmanager
def _forwarded_signals() -> Iterator[None]:
    """Passes on to the processes what asks them to stop: they save and end; again, ends at once.

    PyTorch's own handler would kill them after a while, and lose their exit status.
    """
    first: list[float] = []

    def forward(number: int, frame: Any) -> None:  # noqa: ARG001 - the handler's signature
        passed = signal.SIGINT if number == signal.SIGTERM else number  # a start heeds that too
        children = multiprocessing.active_children()
        if first and time.monotonic() - first[0] < SAME_SIGNAL:
            return
        os.environ[_STOPPING] = "1"  # for processes that are started again in this moment
        if first or not children:
            raise KeyboardInterrupt
        first.append(time.monotonic())
        for each in children:
            if each.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each.pid, passed)

    names = ("SIGINT", "SIGTERM", "SIGHUP")  # not every system has the last
    every = [getattr(signal, name) for name in names if hasattr(signal, name)]
    heeded = [each for each in every if signal.getsignal(each) != signal.SIG_IGN]  # as in nohup
    before = {each: signal.signal(each, forward) for each in heeded}
    try:
        yield
    finally:
        os.environ.pop(_STOPPING, None)
        for each, handler in before.items():
            signal.signal(each, handler)
