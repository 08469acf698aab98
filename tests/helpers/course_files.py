"""The files of the course, for its tests.

- `LESSONS`: the lessons.
- `wrong`: marks a plausible wrong solution; `wrong_solutions`: those of a lesson.
- `stubs`: the unsolved exercises of a lesson, as they stand in its script.
- `imported_names`: what a script imports.
- `course_environment`: the environment variables that a lesson runs with.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "COURSE",
    "LESSONS",
    "Wrong",
    "course_environment",
    "imported_names",
    "stubs",
    "wrong",
    "wrong_solutions",
]

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "course"
LESSONS = sorted(COURSE.glob("lesson_*.py"))
_WRONG = ROOT / "tests" / "course" / "wrong"

sys.path.append(str(COURSE))  # for `course_tools`, as a script in that folder has it


@dataclass(frozen=True)
class Wrong:
    """A plausible wrong solution.

    Attributes:
        number: The number of the exercise.
        function: The wrong function.
        says: What the message must say.
    """

    number: str
    function: Callable[..., Any]
    says: str


_marked: dict[str, list[Wrong]] = {}


def wrong(number: str, *, says: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Marks a plausible wrong solution of an exercise.

    Args:
        number: The number of the exercise.
        says: What the message must say, as it is written there.
    """

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        _marked.setdefault(number, []).append(Wrong(number, function, says))
        return function

    return mark


def wrong_solutions(lesson: Path) -> list[Wrong]:
    """Returns the wrong solutions of a lesson."""
    from course_tools.where import load

    number = int(lesson.name.split("_")[1])
    load(_WRONG / f"lesson_{number:02d}.py")
    return [each for key, found in _marked.items() if _lesson_of(key) == number for each in found]


def stubs(lesson: Path) -> dict[str, Callable[..., Any]]:
    """Returns the unsolved exercises of a lesson by their numbers, without the decorator.

    Args:
        lesson: Its script.
    """
    found = {}
    for node in ast.parse(lesson.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.FunctionDef) or not node.decorator_list:
            continue
        (decorator,) = node.decorator_list
        number = ast.literal_eval(decorator.args[0])  # type: ignore[attr-defined]
        node.decorator_list = []
        annotations = ast.parse("from __future__ import annotations").body
        names: dict[str, Any] = {}
        module = ast.Module([*annotations, node], type_ignores=[])
        exec(compile(module, str(lesson), "exec"), names)  # noqa: S102 - our own lesson
        found[number] = names[node.name]
    return found


def imported_names(script: Path) -> set[str]:
    """Returns the names that a script imports."""
    nodes = ast.walk(ast.parse(script.read_text(encoding="utf-8")))
    imports = (node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)))
    return {alias.asname or alias.name for node in imports for alias in node.names}


def course_environment(output: Path, *, solutions: bool) -> dict[str, str]:
    """Returns the environment variables that a lesson runs with.

    Args:
        output: The folder of its pictures and runs.
        solutions: Whether the solutions stand in place of the stubs.
    """
    paths = [ROOT, ROOT / "agents", ROOT / "benchmarks"]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "TTRL_COURSE_OUTPUT": str(output),
        "TTRL_COURSE_SOLUTIONS": str(int(solutions)),
        "OMP_NUM_THREADS": "1",
    }


def _lesson_of(number: str) -> int:
    return int(number.split(".")[0])
