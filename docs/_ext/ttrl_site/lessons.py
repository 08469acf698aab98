"""The lessons of the course, from percent scripts to pages.

A percent script is a Python file whose cells begin with `# %%`, and whose text cells begin with
`# %% [markdown]` and are comments. Solutions, which lie in a file of their own, are folded below
their exercises.

- `pages`: the pages of the course.
- `cells`: the cells of a script.
- `lesson`: a script as Markdown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ttrl_site.links import BUILT, on_the_site

__all__ = ["Cell", "cells", "lesson", "pages"]

_MARK = re.compile(r"^# %%(.*)$", re.MULTILINE)
_EXERCISE = re.compile(r'@exercise\("([\d.]+)"\)\s+def (\w+)')
_HEADER = re.compile(r"\A(?:#!.*\n)?(?:# ---\n(?:#.*\n)*?# ---\n)?")


class Cell(NamedTuple):
    """A cell of a percent script.

    Attributes:
        is_text: Whether it is Markdown rather than code.
        source: What is in it, without the comment signs of Markdown.
    """

    is_text: bool
    source: str


def cells(script: str) -> Iterator[Cell]:
    """Yields the cells of a percent script; what stands before the first is one of code."""
    body = _HEADER.sub("", script)
    first, *rest = _MARK.split(body)
    if first.strip():
        yield Cell(False, first.strip("\n"))
    for mark, source in zip(rest[::2], rest[1::2], strict=True):
        is_text = "[markdown]" in mark or "[md]" in mark
        yield Cell(is_text, _uncomment(source) if is_text else source.strip("\n"))


def _uncomment(source: str) -> str:
    if quoted := re.fullmatch(r'\s*r?"""(.*)"""\s*', source, re.DOTALL):
        return quoted[1].strip("\n")
    return re.sub(r"^# ?", "", source.strip("\n"), flags=re.MULTILINE)


def lesson(script: str, solutions: str = "") -> str:
    r"""Returns a percent script as Markdown, its solutions folded.

    Args:
        script: The percent script.
        solutions: A module with the functions that solve its exercises, and with the answers to its
            questions as docstring. Each goes below its exercise.

    >>> print(lesson("# %% [markdown]\n# # Votes\n# %%\nx = 1\n"))
    # Votes
    <BLANKLINE>
    ```python
    x = 1
    ```
    <BLANKLINE>
    """
    module = ast.parse(solutions)
    solved = {
        each.name: ast.get_source_segment(solutions, each)
        for each in module.body
        if isinstance(each, ast.FunctionDef | ast.ClassDef)
    }
    parts = []
    for cell in cells(script):
        if cell.source:
            parts.append(cell.source if cell.is_text else f"```python\n{cell.source}\n```")
        for number, name in _EXERCISE.findall("" if cell.is_text else cell.source):
            if name in solved:
                parts.append(_folded(f"Solution {number}", f"```python\n{solved[name]}\n```"))
    if answers := ast.get_docstring(module):
        parts.append(_folded("Answers", answers))
    return "\n\n".join(parts) + "\n"


def _folded(title: str, text: str) -> str:
    return f"<details>\n<summary>{title}</summary>\n\n{text}\n\n</details>"


def pages(root: Path) -> Iterator[tuple[str, str]]:
    """Yields the name and text of each page of the course.

    Args:
        root: The repository.
    """
    for file in sorted((root / "course").glob("lesson_*.py")):
        number = "_".join(file.stem.split("_")[:2])
        solutions = root / "course" / "solutions" / f"{number}.py"
        solved = solutions.read_text("utf-8") if solutions.exists() else ""
        text = lesson(file.read_text("utf-8"), solved)
        yield f"{BUILT}/course/{file.stem}", on_the_site(text, file, root)
    for file in sorted((root / "course").glob("*.md")):
        text = on_the_site(file.read_text("utf-8"), file, root)
        yield f"{BUILT}/course/{file.stem.lower()}", text
