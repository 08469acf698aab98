r"""The box in which a completion puts its answer.

- `find_box`: the last finished, non-empty `\boxed{}`, and whether an unfinished one follows it.
- `last_box`: the content of that box.
- `is_blank`: whether a box has nothing in it to speak of.
"""

from __future__ import annotations

import re
from typing import Final

from ttrl_env.answers.text.pieces import Piece

__all__ = ["find_box", "is_blank", "last_box"]

_MOST_READ: Final = 1 << 21
"""Characters read for all boxes together; a completion of an environment has half as many."""
_BOXES_TRIED: Final = 64
_BRACES: Final = re.compile(r"\\.|[{}]", re.DOTALL)
_BOX: Final = re.compile(
    r"(?:boxed|fbox|framebox)\s*(?:\[[^\]]{0,20}\]\s*){0,2}(\{|[^\s{}$\\`'\"]*[^\s{}$\\`'\".,;:])"
)
_BLANK: Final = re.compile(
    r"(?:\\[cl]?dots(?![a-z])|\\text\{(?:\s*\.*|(?:your |final )*answer)\}|(?:your |final )*answer$"
    r"|[\s$.,\\?_…])*+"
)
_SPELLINGS: Final = ("\\boxed", "\\fbox", "\\framebox")


def is_blank(content: str) -> bool:
    r"""Returns whether a box has nothing in it, or only a placeholder.

    >>> is_blank(" "), is_blank(r"\ldots"), is_blank("answer"), is_blank(r"\{\}")
    (True, True, True, False)
    """
    return _BLANK.fullmatch(content) is not None


def last_box(text: str) -> str | None:
    r"""Returns the content of the last box that is finished and not empty.

    >>> last_box(r"\boxed{7}, no, \boxed{\frac{1}{2}}, or \boxed{")
    '\\frac{1}{2}'
    """
    box, _ = find_box(Piece(text))
    return None if box is None else box.text


def find_box(said: Piece) -> tuple[Piece | None, int | None]:
    r"""Returns the content of the last finished box, and where an unfinished one begins.

    >>> find_box(Piece(r"so \boxed{\frac{3}{4"))
    (None, 3)
    """
    text = said.text
    starts = {spelling: text.rfind(spelling) for spelling in _SPELLINGS}
    unfinished, read = None, 0
    for _ in range(_BOXES_TRIED):
        spelling = max(starts, key=lambda each: starts[each])
        start = starts[spelling]
        if start < 0:
            break
        starts[spelling] = text.rfind(spelling, 0, start)
        opening = _BOX.match(text, start + 1)
        if opening is None:
            continue
        content: Piece | None = said.part(*opening.span(1))
        if opening[1] == "{":
            content, stop = _content(said, opening.end())
            read += stop - start
        if content is None:
            unfinished = start if unfinished is None else unfinished
        elif not is_blank(content.text):
            return content.strip(), unfinished
        if read > _MOST_READ:
            break
    return None, unfinished


def _content(said: Piece, start: int) -> tuple[Piece | None, int]:
    """Returns what stands before the brace that closes a box, and where reading ended."""
    depth, last = 1, said.text.rfind("}", start) + 1
    for brace in _BRACES.finditer(said.text, start, last):
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if not depth:
                return said.part(start, brace.start()), brace.end()
    return None, max(start, last)
