"""A command in one of several processes.

- `speaking_once`: lets only the leading process tell of an error that all have.
- `run_launched`: runs it in a process that a launcher has started.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from ttrl_agents.cli.exit_status import Exit
from ttrl_agents.cli.run_command import run_command
from ttrl_agents.distributed.failures import DesertedError, LostRankError, is_told
from ttrl_agents.distributed.launch import RETRY, asked_to_stop
from ttrl_agents.distributed.world import World

__all__ = ["run_launched", "speaking_once"]


@contextlib.contextmanager
def speaking_once(ranks: World) -> Iterator[None]:
    """Makes an error on one rank an error on all, of which only the leader tells.

    If a rank has ended, this process ends as well, with the status `RETRY`.

    Raises:
        Exit: On the other ranks.
    """
    try:
        with ranks.agreement():
            yield
    except LostRankError as error:
        if ranks.local_rank == 0 or isinstance(error, DesertedError):
            print(f"ttrl: {error}", file=sys.stderr)  # noqa: T201
        _leave()
    except Exit:
        raise
    except Exception as error:
        if ranks.leads or not is_told(error):
            raise
        raise Exit(1) from error


def run_launched(command: Callable[[], None], name: str) -> int:
    """Runs a command in a process that a launcher has started; returns its exit status.

    Args:
        command: What to run.
        name: The name of the command, for its errors.
    """
    if asked_to_stop():
        return 130
    try:
        return run_command(command, name)
    except KeyboardInterrupt:
        return 130


def _leave() -> NoReturn:
    """Ends this process at once: for a launcher it has died, as the other one has.

    PyTorch's threads may still wait for the other process. If Python ended around them in its
    usual way, one of them could abort this process.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # whoever read it may be gone
            stream.flush()
    os._exit(RETRY)
