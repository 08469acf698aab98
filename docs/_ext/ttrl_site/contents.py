"""The tables of contents that depend on which pages there are.

- `filled`: a page with them in place of its marks: `<!-- lessons -->`, the lessons of the course,
  and `<!-- other pages -->`, the pages that the start page does not name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ttrl_site.links import BUILT

__all__ = ["filled"]

_TOCTREE = re.compile(r"```\{toctree\}\n(.*?)```", re.DOTALL)


def filled(text: str, docs: Path) -> str:
    """Returns a page with a table of contents in place of each mark.

    Args:
        text: The page.
        docs: The folder of the pages.
    """
    lessons = names(docs, (docs / BUILT / "course").glob("*.md"))
    readme = f"{BUILT}/course/readme"
    if readme in lessons:
        lessons.remove(readme)
        lessons.insert(0, f"How to begin <{readme}>")
    text = text.replace("<!-- lessons -->", table(lessons, ":maxdepth: 1"))
    named = {line.strip() for each in _TOCTREE.findall(text) for line in each.splitlines()}
    others = [page for page in names(docs, docs.rglob("*.md")) if page not in named]
    others = [page for page in others if not page.startswith((BUILT, "_", "index"))]
    return text.replace("<!-- other pages -->", table(others, ":hidden:", ":caption: More"))


def names(docs: Path, files: Iterable[Path]) -> list[str]:
    """Returns the names of pages, sorted."""
    return sorted(str(file.relative_to(docs).with_suffix("")) for file in files)


def table(pages: Iterable[str], *options: str) -> str:
    """Returns a table of contents; nothing where there are no pages."""
    listed = list(pages)
    return "\n".join(["```{toctree}", *options, "", *listed, "```"]) if listed else ""
