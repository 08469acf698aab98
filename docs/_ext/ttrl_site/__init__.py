"""The site's own Sphinx extension: the pages that are made from the repository, and their links.

- `links`: links between files of the repository become links between pages.
- `project`: README and its neighbours, and the source files that pages link to.
- `lessons`: the percent scripts of the course.
- `commands`: the command line, from its parser.
- `api`: the Python interface, from its docstrings.
- `docstrings`: what Sphinx would misread in them.
- `contents`: the tables of contents that depend on which pages there are.
- `mathjax`: formulas without a network.

What is made goes to `docs/built`, which git ignores.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from ttrl_site import api, commands, contents, docstrings, lessons, links, mathjax, project

Pages = Iterator[tuple[str, str]]
MAKERS: tuple[Callable[[Path], Pages], ...] = (
    lessons.pages,
    commands.pages,
    api.pages,
    project.pages,
)


def write_pages(app: Sphinx) -> None:
    """Writes the made pages, and removes those that are made no more.

    Args:
        app: The Sphinx application; its sources are the folder `docs`.
    """
    docs = Path(app.srcdir)
    made = {docs / f"{name}.md": text for make in MAKERS for name, text in make(docs.parent)}
    for file in (docs / links.BUILT).rglob("*.md"):
        if file not in made:
            file.unlink()
    for file, text in made.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        # Sphinx reads anew what is newer, so an unchanged page keeps its time.
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")


def read_page(app: Sphinx, name: str, content: list[str]) -> None:
    """Turns the links of a page of the docs folder into links of the site.

    Args:
        app: The Sphinx application.
        name: The page.
        content: Its text, in a list of one, which is changed.
    """
    docs = Path(app.srcdir)
    content[0] = contents.filled(content[0], docs)
    if not name.startswith(f"{links.BUILT}/"):
        content[0] = links.on_the_site(content[0], docs / f"{name}.md", docs.parent)


def read_docstring(*event: Any) -> None:
    """Turns a docstring, the last part of the event, into what Sphinx reads, in place."""
    lines = event[-1]
    lines[:] = docstrings.for_sphinx(lines)


def outdated_pages(*_: Any) -> list[str]:
    """Returns the pages to read again whenever other pages may have come or gone."""
    return ["index", "course"]


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Puts MathJax beside the pages of a site that was built.

    Args:
        app: The Sphinx application.
        error: What ended the build early, if anything.
    """
    if error is None and app.builder.format == "html":
        target = Path(app.outdir) / "_static" / mathjax.FILE
        shutil.copyfile(mathjax.vendored(), target)


def setup(app: Sphinx) -> dict[str, bool]:
    """Joins the extension to Sphinx."""
    app.connect("builder-inited", write_pages)
    app.connect("env-get-outdated", outdated_pages)
    app.connect("source-read", read_page)
    app.connect("autodoc-process-docstring", read_docstring, priority=400)  # before napoleon
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
