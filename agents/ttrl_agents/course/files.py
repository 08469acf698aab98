"""The files of the course.

- `Lesson`, `lessons`: the lessons in their order.
- `lessons_folder`: the folder that they are in; `is_installed`: whether in an installed package.
- `copy_lessons`: copies them to where they can be edited.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ttrl_agents.errors import AgentError

__all__ = ["Lesson", "copy_lessons", "is_installed", "lessons", "lessons_folder"]

_IN_PACKAGE = Path(__file__).resolve().parent / "lessons"
_IN_REPOSITORY = Path(__file__).resolve().parents[3] / "course"
_PATTERN = "lesson_*.py"
_SOLUTIONS = "solutions"
_NEVER = ("__pycache__", "output", "*.ipynb", ".ipynb_checkpoints")
_TITLE = re.compile(r"^# # Lesson \d+: (.+)$", re.MULTILINE)
_TIMES = re.compile(r"^# \*(.+)\.\*$", re.MULTILINE)


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    Attributes:
        number: Its number, from 1.
        title: Its title.
        times: How long it takes, in words.
        path: Its script.
    """

    number: int
    title: str
    times: str
    path: Path


def lessons_folder() -> Path:
    """Returns the folder of the lessons.

    Raises:
        AgentError: There is none; the installation is damaged.
    """
    for folder in (_IN_PACKAGE, _IN_REPOSITORY):
        if any(folder.glob(_PATTERN)):
            return folder
    raise AgentError("The lessons are not there. Install ttrl-env again, or clone its repository.")


def is_installed() -> bool:
    """Returns whether the lessons are part of an installed package, where nobody should edit."""
    return lessons_folder() == _IN_PACKAGE


def lessons(folder: Path | None = None) -> list[Lesson]:
    """Returns the lessons in their order.

    Args:
        folder: The folder that they are in; by default that of this installation.

    Raises:
        AgentError: A file does not begin as a lesson does.
    """
    found = []
    for path in sorted((folder or lessons_folder()).glob(_PATTERN)):
        text = path.read_text(encoding="utf-8")
        title, times = _TITLE.search(text), _TIMES.search(text)
        if title is None or times is None:
            raise AgentError(f"{path} has no title or no times in its first lines.")
        found.append(Lesson(int(path.name.split("_")[1]), title[1], times[1], path))
    return found


def copy_lessons(target: Path, *, solutions: bool = False, notebooks: bool = False) -> list[Path]:
    """Copies the lessons to where they can be edited.

    Args:
        target: A new or an empty folder.
        solutions: Whether to copy the solutions too.
        notebooks: Whether to write each lesson as a notebook as well.

    Returns:
        The lessons that were written, notebooks included.

    Raises:
        AgentError: The folder holds files already, or notebooks need a package that is missing.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise AgentError(f"{str(target)!r} holds files already. Name a new folder.")
    never = _NEVER if solutions else (*_NEVER, _SOLUTIONS)
    convert = _converter() if notebooks else None
    shutil.copytree(
        lessons_folder(), target, ignore=shutil.ignore_patterns(*never), dirs_exist_ok=True
    )
    written = [each.path for each in lessons(target)]
    if convert is not None:
        written += [convert(path) for path in written]
    return written


def _converter() -> Callable[[Path], Path]:
    """Returns what writes a notebook beside a script."""
    try:
        import jupytext
    except ImportError as error:
        raise AgentError("Notebooks need one more package: pip install jupytext") from error

    def convert(path: Path) -> Path:
        notebook = path.with_suffix(".ipynb")
        jupytext.write(jupytext.read(path), notebook)
        return notebook

    return convert
