"""The commands that lead on from a run or an evaluation, ready to be copied.

- `after_training`: what to look at after `ttrl train`.
- `after_evaluation`: the same after `ttrl eval`.
- `print_next`: prints them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

__all__ = ["after_evaluation", "after_training", "print_next"]


def after_training(folder: Path, *, measured: bool) -> list[tuple[str, str]]:
    """Returns commands, each with what it does.

    Args:
        folder: The run directory.
        measured: Whether the run was evaluated before and after.

    >>> after_training(Path("my run"), measured=False)[0]
    ("ttrl report 'my run' --open", 'all of it, in the browser')
    """
    commands = [
        (f"{_command('report', folder)} --open", "all of it, in the browser"),
        (_command("votes", folder), "which votes turned"),
    ]
    if measured:
        moments = folder / "evaluations"
        compared = _command("compare", moments / "before", moments / "after")
        commands.append((compared, "whether it differs from before"))
    commands.append((_command("eval", folder), "measure it again"))
    return commands


def after_evaluation(folder: Path) -> list[tuple[str, str]]:
    """Returns commands, each with what it does.

    Args:
        folder: The folder of the evaluation.
    """
    return [
        (f"{_command('report', folder)} --open", "all of it, in the browser"),
        (_command("votes", folder), "the most divided votes"),
        (f"{_command('revote', folder)} --reward all", "the same votes under every reward"),
    ]


def print_next(commands: Iterable[tuple[str, str]]) -> None:
    """Prints commands in a column, each followed by what it does as a comment of the shell."""
    rows = list(commands)
    width = max(len(command) for command, _ in rows)
    print("Next:")  # noqa: T201
    for command, purpose in rows:
        print(f"  {command.ljust(width)}  # {purpose}")  # noqa: T201


def _command(name: str, *paths: Path) -> str:
    return shlex.join(["ttrl", name, *map(str, paths)])
