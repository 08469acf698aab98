"""The command `ttrl`.

- `main`: the console script; every known error is printed as a sentence.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence

__all__ = ["main"]

_FULL = {
    errno.ENOSPC: "The disk is full",
    errno.EDQUOT: "Your share of the disk is full",
    errno.EFBIG: "A file is larger than this system lets it be",
}
_GO_ON = {"train": "ttrl train --resume RUN", "eval": "ttrl eval --resume FOLDER"}
_EXTRA = (
    "This command needs more than the core of ttrl-env: pip install 'ttrl-env[agents]' "
    "(ttrl doctor shows what is missing)"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status.

    Args:
        arguments: The command line; by default that of the process.

    Returns:
        0 if all went well, 1 after an error that the user can fix, 2 after a wrong option, 130
        after Ctrl-C.
    """
    # Threads that spin while they wait make shared cores several times slower. OpenMP reads this
    # when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments) or ["--help"])
    except KeyboardInterrupt:
        return _say("Stopped.", 130)
    except BrokenPipeError:  # the reader of the output has gone, as in `ttrl doctor | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE if hasattr(signal, "SIGPIPE") else 1


def _run(given: list[str]) -> int:
    """Runs a command; imports are part of it, since they take long enough to be interrupted."""
    if given == ["--version"]:
        from ttrl_agents.cli.requirements import DISTRIBUTION, installed_version

        print(f"{DISTRIBUTION} {installed_version(DISTRIBUTION) or '(not installed)'}")  # noqa: T201
        return 0
    if given == ["doctor"]:  # needs only the core, so that it can say what else to install
        from ttrl_agents.cli.doctor import doctor

        doctor()
        return 0
    try:
        import tyro

        from ttrl_agents.cli.commands import commands_for
        from ttrl_agents.cli.exit_status import Exit
        from ttrl_agents.cli.help_page import show_help
        from ttrl_agents.cli.plain_warnings import plain_warnings
    except ImportError as error:
        return _say(f"{error}. {_EXTRA}")
    from ttrl_benchmarks.errors import UserError, unknown_name

    try:
        commands = commands_for(given)
        if not given[0].startswith("-") and given[0] not in commands:
            raise unknown_name("command", given[0], commands)
        if show_help(commands, given):
            return 0
        with plain_warnings():
            tyro.extras.subcommand_cli_from_dict(
                commands,
                prog="ttrl",
                args=given,
            )
    except UserError as error:
        return _say(str(error))
    except ImportError as error:
        return _say(f"{error}. {_EXTRA}")
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            go_on = _GO_ON.get(given[0], "the same command again")
            return _say(
                f"{_FULL[error.errno]} ({error.filename or 'while saving'}). What was saved "
                f"before is whole: free some space, then {go_on}."
            )
        return _say(": ".join(filter(None, (error.strerror or str(error), error.filename))))
    except Exit as ended:
        return ended.status
    return 0


def _say(sentence: str, status: int = 1) -> int:
    from ttrl_benchmarks.printable import plain_text

    print(f"ttrl: {plain_text(sentence)}", file=sys.stderr)  # noqa: T201
    return status
