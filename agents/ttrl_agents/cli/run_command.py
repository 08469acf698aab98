"""A command and its errors: each known error is printed as a sentence.

- `run_command`: runs a command that way.
- `say`: prints a sentence and returns an exit status.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable

__all__ = ["EXTRA", "run_command", "say"]

_FULL = {
    errno.ENOSPC: "The disk is full",
    errno.EDQUOT: "Your share of the disk is full",
    errno.EFBIG: "A file is larger than this system lets it be",
}
_GO_ON = {
    "train": "ttrl train --resume RUN",
    "eval": "ttrl eval --resume FOLDER",
    "probe": "ttrl probe --votes FOLDER",
}
EXTRA = (
    "This command needs more than the core of ttrl-env: pip install 'ttrl-env[agents]' "
    "(ttrl doctor shows what is missing)"
)


def run_command(command: Callable[[], None], name: str) -> int:
    """Runs a command and prints a known error as a sentence; returns the exit status.

    Args:
        command: The command.
        name: Its name, for advice on how to go on.
    """
    from ttrl_agents.cli.exit_status import Exit
    from ttrl_benchmarks.errors import UserError

    try:
        command()
    except UserError as error:
        return say(str(error))
    except ImportError as error:
        return say(f"{error}. {EXTRA}")
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            go_on = _GO_ON.get(name, "the same command again")
            return say(
                f"{_FULL[error.errno]} ({error.filename or 'while saving'}). What was saved "
                f"before is whole: free some space, then {go_on}."
            )
        return say(": ".join(filter(None, (error.strerror or str(error), error.filename))))
    except Exit as ended:
        return ended.status
    return 0


def say(sentence: str, status: int = 1) -> int:
    """Prints a sentence as an error of `ttrl`; returns the exit status."""
    from ttrl_benchmarks.printable import plain_text

    print(f"ttrl: {plain_text(sentence)}", file=sys.stderr)  # noqa: T201
    return status
