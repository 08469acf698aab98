"""The errors of a command that runs in several processes.

- `speaking_once`: lets only the leading process tell of an error that all have.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from ttrl_agents.cli.exit_status import Exit
from ttrl_agents.distributed.failures import DesertedError, LostRankError, is_told
from ttrl_agents.distributed.launch import RETRY
from ttrl_agents.distributed.world import World

__all__ = ["speaking_once"]


@contextlib.contextmanager
def speaking_once(ranks: World) -> Iterator[None]:
    """Makes an error on one rank an error on all, of which only the leader tells.

    Raises:
        Exit: On the other ranks; on all of them with the status `RETRY` if a rank has ended.
    """
    try:
        with ranks.agreement():
            yield
    except LostRankError as error:
        if ranks.local_rank == 0 or isinstance(error, DesertedError):
            print(f"ttrl: {error}", file=sys.stderr)  # noqa: T201
        raise Exit(RETRY) from error
    except Exit:
        raise
    except Exception as error:
        if ranks.leads or not is_told(error):
            raise
        raise Exit(1) from error
