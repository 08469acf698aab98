"""Docstrings for Sphinx: they are plain text with code in backticks, and Sphinx reads more into it.

- `arxiv_links`: numbers of papers as links.
- `for_sphinx`: the lines of a docstring with what Sphinx would misread escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["arxiv_links", "for_sphinx"]

_CODE = re.compile(r"(`[^`\n]+`)")
_PAPER = re.compile(r"\barXiv[: ](\d{4}\.\d{4,5})\b")
_BULLET = re.compile(r"\s*[*-] ")


def arxiv_links(text: str, link: str) -> str:
    """Returns a text whose numbers of papers are links.

    Args:
        text: The text.
        link: How a link is written, with `{words}` and `{address}`.

    >>> arxiv_links("TTRL (arXiv 2504.16084)", "[{words}]({address})")
    'TTRL ([arXiv 2504.16084](https://arxiv.org/abs/2504.16084))'
    """

    def replace(found: re.Match[str]) -> str:
        return link.format(words=f"arXiv {found[1]}", address=f"https://arxiv.org/abs/{found[1]}")

    return _PAPER.sub(replace, text)


def for_sphinx(lines: list[str]) -> Iterator[str]:
    r"""Yields the lines of a docstring as reStructuredText.

    Args:
        lines: The docstring.

    >>> list(for_sphinx(["The mean of `Name`s, |o| long."]))
    ['The mean of `Name`\\ s, \\|o\\| long.']
    """
    literal: int | None = None  # how deep the paragraph before an indented block stands
    before = ""
    for i, line in enumerate(lines):
        if _introduces_code(lines[i : i + 3]):
            line += ":"
        depth = len(line) - len(line.lstrip())
        if line.strip():
            if literal is not None and depth <= literal:
                literal = None
            elif literal is None and before.rstrip().endswith("::"):
                literal = len(before) - len(before.lstrip())
            before = line
        is_example = line.lstrip().startswith((">>>", "..."))
        yield line if is_example or literal is not None else _escaped(line)


def _introduces_code(lines: list[str]) -> bool:
    """Returns whether the first of these lines ends in a colon, and code follows, indented."""
    if len(lines) < 3 or lines[1].strip() or not lines[0].endswith(":") or lines[0].endswith("::"):
        return False
    code = lines[2].lstrip()
    is_deeper = len(lines[2]) - len(code) > len(lines[0]) - len(lines[0].lstrip())
    return bool(code) and is_deeper and not code.startswith((">>>", "- ", "* "))


def _escaped(line: str) -> str:
    start = found.end() if (found := _BULLET.match(line)) else 0
    parts = _CODE.split(line[start:])
    for i, part in enumerate(parts):
        if i % 2:
            continue
        text = re.sub(r"(?<!\\)([|*])", r"\\\1", part)
        parts[i] = arxiv_links(text, "`{words} <{address}>`__")
        if i and re.match(r"\w", part):
            parts[i] = f"\\ {parts[i]}"
    return line[:start] + "".join(parts)
