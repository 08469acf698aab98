"""`ttrl course`: the lessons, and whether this computer is ready for them.

- `course`: lists the lessons, copies them, or checks the computer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

from ttrl_agents.cli.console import CommandConsole
from ttrl_agents.cli.exit_status import Exit
from ttrl_agents.course.files import copy_lessons, is_installed, lessons
from ttrl_agents.course.laptop import check_laptop
from ttrl_agents.errors import AgentError

__all__ = ["course"]


def course(
    action: Annotated[
        Literal["list", "check", "copy"], tyro.conf.Positional, tyro.conf.arg(metavar="[ACTION]")
    ] = "list",
    folder: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[FOLDER]")] = None,
    solutions: bool = False,
    notebooks: bool = False,
) -> None:
    """Lists the lessons of the course, checks this computer, or copies the lessons.

    ttrl course check tries out in about twenty seconds what the lessons need, and says what to do
    where something is missing. ttrl course copy FOLDER copies the lessons into a new folder, where
    you can edit them.

    Args:
        action: list, check or copy.
        folder: With copy, the new folder.
        solutions: With copy, copy the solutions of the exercises too.
        notebooks: With copy, write each lesson as a Jupyter notebook as well.
    """
    if action != "copy" and (folder is not None or solutions or notebooks):
        raise AgentError(
            f"A folder and options go with copy: ttrl course copy FOLDER, not {action}."
        )
    if action == "check":
        raise Exit(check_laptop())
    if action == "copy":
        _copy(folder, solutions=solutions, notebooks=notebooks)
    else:
        _list()


def _list() -> None:
    console = CommandConsole()
    found = lessons()
    width = max(len(each.title) for each in found)
    for each in found:
        line = f"{each.number:2}  {each.title:<{width}}  {each.times}"
        console.print(line, markup=False, soft_wrap=True)
    if not is_installed():
        script = _relative(found[0].path)
        console.print(f"\nStart: python {script}", markup=False, soft_wrap=True)
    console.print("Into a folder of your own: ttrl course copy my-course", markup=False)


def _copy(folder: Path | None, *, solutions: bool, notebooks: bool) -> None:
    if folder is None:
        raise AgentError("Name the new folder: ttrl course copy my-course")
    written = copy_lessons(folder, solutions=solutions, notebooks=notebooks)
    console = CommandConsole()
    console.print(f"{len(written)} files of lessons are in {folder}.", markup=False, soft_wrap=True)
    console.print(f"Start: python {written[0]}", markup=False, soft_wrap=True)


def _relative(path: Path) -> Path:
    """Returns a path as seen from here, if it is below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
