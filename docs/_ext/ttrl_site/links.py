"""Links between files of the repository, as links between pages of the site.

Pages are written for readers of the files: a link names a file, relative to the page. On the site
the same links have to lead to pages, also where the file lies outside the docs folder.

- `outside_code`: the lines of a page, and whether they are code.
- `targets`: the files that a page links to.
- `on_the_site`: a page with its links rewritten.
- `page_of`: the page on which a file is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["BUILT", "FENCE", "PICTURES", "on_the_site", "outside_code", "page_of", "targets"]

BUILT = "built"
FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_LINK = re.compile(r"\]\(([^)\s#:]+)(#[^)\s]*)?\)")
PICTURES = (".png", ".svg", ".jpg", ".gif")


def outside_code(text: str) -> Iterator[tuple[str, bool]]:
    """Yields each line of a page, and whether it is text rather than code in a fence."""
    fence = ""
    for line in text.splitlines(keepends=True):
        found = FENCE.match(line)
        if fence:
            yield line, False
            if found and found[1].startswith(fence) and line.strip() == found[1]:
                fence = ""
        elif found:
            fence = found[1]
            yield line, False
        else:
            yield line, True


def targets(text: str, page: Path) -> Iterator[Path]:
    """Yields the files and folders that a page links to.

    Args:
        text: The page.
        page: Its file.
    """
    for line, is_text in outside_code(text):
        if is_text:
            for found in _LINK.finditer(line):
                yield (page.parent / found[1]).resolve()


def on_the_site(text: str, page: Path, root: Path) -> str:
    """Returns a page whose links to files are links to the pages that show them.

    Args:
        text: The page.
        page: Its file, to which its links are relative.
        root: The repository.
    """

    def replace(found: re.Match[str]) -> str:
        target = (page.parent / found[1]).resolve()
        if not target.exists() or not target.is_relative_to(root):
            return found[0]  # Sphinx warns of it
        if target.suffix in PICTURES and target.is_relative_to(root / "docs"):
            return f"](/{target.relative_to(root / 'docs')})"
        return f"](/{page_of(target, root)}.md{found[2] or ''})"

    return "".join(
        _LINK.sub(replace, line) if is_text else line for line, is_text in outside_code(text)
    )


def page_of(file: Path, root: Path) -> str:
    """Returns the name of the page that shows a file or folder of the repository.

    Args:
        file: The file or folder.
        root: The repository.
    """
    path = file.relative_to(root)
    if path.parts[0] == "docs" and path.suffix == ".md":
        return str(path.relative_to("docs").with_suffix(""))
    if path.parts[0] == "course" and path.suffix in (".md", ".py") and len(path.parts) == 2:
        return f"{BUILT}/course/{path.stem.lower()}"
    if path.suffix == ".md":
        return f"{BUILT}/project/{str(path.with_suffix('')).replace('/', '_').lower()}"
    return f"{BUILT}/source/{path}"
