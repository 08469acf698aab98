"""The command `ttrl`.

- `main`: the console script; every known error is printed as a sentence.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from ttrl_agents.cli.run_command import EXTRA, run_command, say

__all__ = ["main"]


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
        return say("Stopped.", 130)
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
    if given == ["course", "check"]:  # likewise
        from ttrl_agents.course.laptop import check_laptop

        return check_laptop()
    try:
        import tyro

        from ttrl_agents.cli.commands import commands_for
        from ttrl_agents.cli.help_page import show_help
        from ttrl_agents.cli.plain_warnings import plain_warnings
    except ImportError as error:
        return say(f"{error}. {EXTRA}")
    from ttrl_benchmarks.errors import unknown_name

    def command() -> None:
        commands = commands_for(given)
        if not given[0].startswith("-") and given[0] not in commands:
            raise unknown_name("command", given[0], commands)
        if show_help(commands, given):
            return
        with plain_warnings():
            tyro.extras.subcommand_cli_from_dict(
                commands,
                prog="ttrl",
                args=given,
            )

    return run_command(command, given[0])
