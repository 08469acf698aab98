"""README and its neighbours, and the source files that pages link to, as pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ttrl_site.links import BUILT, PICTURES, on_the_site, page_of, targets

__all__ = ["PROJECT", "pages"]

PROJECT = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "examples/README.md")
_LANGUAGES = {".py": "python", ".toml": "toml", ".json": "json", ".sh": "bash", ".yml": "yaml"}


def pages(root: Path) -> Iterator[tuple[str, str]]:
    """Yields the name and text of each page.

    Args:
        root: The repository.
    """
    written = [root / each for each in PROJECT]
    for file in written:
        yield page_of(file, root), on_the_site(file.read_text("utf-8"), file, root)
    docs = [file for file in (root / "docs").rglob("*.md") if BUILT not in file.parts]
    linked: set[Path] = set()
    for file in [*written, *docs, *(root / "course").glob("*.md")]:
        linked.update(targets(file.read_text("utf-8"), file))
    for file in sorted(linked):
        is_shown = file.exists() and file.suffix not in PICTURES
        if is_shown and page_of(file, root).startswith(f"{BUILT}/source/"):
            yield page_of(file, root), source_page(file, root)


def source_page(file: Path, root: Path) -> str:
    """Returns the page of a source file, or of a folder: what is in it.

    Args:
        file: The file or folder.
        root: The repository.
    """
    path = file.relative_to(root)
    head = f"---\norphan: true\n---\n\n# `{path}`\n\n"
    if file.is_dir():
        names = (
            f"- `{each.name}`\n" for each in sorted(file.iterdir()) if each.name[0] not in "._"
        )
        return head + "".join(names)
    language = _LANGUAGES.get(file.suffix, "text")
    return f"{head}```{{literalinclude}} /../{path}\n:language: {language}\n```\n"
