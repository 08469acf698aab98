"""The lessons of the course, from percent scripts to pages.

A percent script is a Python file whose cells begin with `# %%`, and whose text cells begin with
`# %% [markdown]` and are comments. Cells with the tag `solution` are folded.

- `pages`: the pages of the course.
- `cells`: the cells of a script.
- `lesson`: a script as Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ttrl_site.links import BUILT, on_the_site

__all__ = ["Cell", "cells", "lesson", "pages"]

_MARK = re.compile(r"^# %%(.*)$", re.MULTILINE)
_TAGS = re.compile(r"tags=\[([^\]]*)\]")
_HEADER = re.compile(r"\A(?:#!.*\n)?(?:# ---\n(?:#.*\n)*?# ---\n)?")


class Cell(NamedTuple):
    """A cell of a percent script.

    Attributes:
        is_text: Whether it is Markdown rather than code.
        source: What is in it, without the comment signs of Markdown.
        tags: Its tags.
    """

    is_text: bool
    source: str
    tags: frozenset[str]


def cells(script: str) -> Iterator[Cell]:
    """Yields the cells of a percent script; what stands before the first is one of code."""
    body = _HEADER.sub("", script)
    first, *rest = _MARK.split(body)
    if first.strip():
        yield Cell(False, first.strip("\n"), frozenset())
    for mark, source in zip(rest[::2], rest[1::2], strict=True):
        tags = _TAGS.search(mark)
        is_text = "[markdown]" in mark or "[md]" in mark
        yield Cell(
            is_text,
            _uncomment(source) if is_text else source.strip("\n"),
            frozenset(re.findall(r"[\w-]+", tags[1]) if tags else ()),
        )


def _uncomment(source: str) -> str:
    if quoted := re.fullmatch(r'\s*r?"""(.*)"""\s*', source, re.DOTALL):
        return quoted[1].strip("\n")
    return re.sub(r"^# ?", "", source.strip("\n"), flags=re.MULTILINE)


def lesson(script: str) -> str:
    r"""Returns a percent script as Markdown, its solutions folded.

    >>> print(lesson("# %% [markdown]\n# # Votes\n# %%\nx = 1\n"))
    # Votes
    <BLANKLINE>
    ```python
    x = 1
    ```
    <BLANKLINE>
    """
    parts = []
    for cell in cells(script):
        if not cell.source:
            continue
        text = cell.source if cell.is_text else f"```python\n{cell.source}\n```"
        if "solution" in cell.tags:
            text = f"<details>\n<summary>Solution</summary>\n\n{text}\n\n</details>"
        parts.append(text)
    return "\n\n".join(parts) + "\n"


def pages(root: Path) -> Iterator[tuple[str, str]]:
    """Yields the name and text of each page of the course.

    Args:
        root: The repository.
    """
    for file in sorted((root / "course").glob("lesson_*.py")):
        text = on_the_site(lesson(file.read_text("utf-8")), file, root)
        solutions = root / "course" / "solutions" / file.name
        if solutions.exists():
            text += _solutions(solutions.read_text("utf-8"))
        yield f"{BUILT}/course/{file.stem}", text
    for file in sorted((root / "course").glob("*.md")):
        yield (
            f"{BUILT}/course/{file.stem.lower()}",
            on_the_site(file.read_text("utf-8"), file, root),
        )


def _solutions(script: str) -> str:
    """Returns the solutions of a lesson, folded, below a heading."""
    return (
        "\n## Solutions\n\nTry the exercises first: each has a check that says what is wrong.\n\n"
        f"<details>\n<summary>Show the solutions</summary>\n\n{lesson(script)}\n</details>\n"
    )
