r"""Where a completion puts its answer: after the thinking, in a box.

- `reply`: what follows the last `</think>`, or None where the thinking never ended.
- `last_box`: the content of the last finished, non-empty `\boxed{}`.
- `is_blank`: whether a box has nothing in it to speak of.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_blank", "last_box", "reply"]

_END_OF_THOUGHT: Final = "</think>"
_START_OF_THOUGHT: Final = "<think>"
_LONGEST_BOX: Final = 8192
_BOXES_TRIED: Final = 64
_BRACES: Final = re.compile(r"\\.|[{}]", re.DOTALL)
_BOX: Final = re.compile(r"(?:boxed|fbox|framebox)\s*(?:\[[^\]]{0,20}\]\s*){0,2}(\{|[^\s{}$\\]+)")
_BLANK: Final = re.compile(
    r"(?:\\[cl]?dots(?![a-z])|\\text\{(?:\s*\.*|(?:your |final )*answer)\}|(?:your |final )*answer$"
    r"|[\s$.,\\?_…])*+"
)
_SPELLINGS: Final = ("\\boxed", "\\fbox", "\\framebox")


def reply(text: str) -> str | None:
    """Return what a completion says after thinking.

    >>> reply("<think>hm, 41?</think>It is 42."), reply("<think>still at it")
    ('It is 42.', None)
    """
    end = text.rfind(_END_OF_THOUGHT)
    if end >= 0:
        text = text[end + len(_END_OF_THOUGHT) :]
    return None if _START_OF_THOUGHT in text else text


def is_blank(content: str) -> bool:
    r"""Return whether a box has nothing in it, or only a placeholder.

    >>> is_blank(" "), is_blank(r"\ldots"), is_blank("answer"), is_blank(r"\{\}")
    (True, True, True, False)
    """
    return _BLANK.fullmatch(content) is not None


def last_box(text: str) -> str | None:
    r"""Return the content of the last box that is finished and not empty.

    >>> last_box(r"\boxed{7}, no, \boxed{\frac{1}{2}}, or \boxed{")
    '\\frac{1}{2}'
    """
    ends = {spelling: len(text) for spelling in _SPELLINGS}
    starts = {spelling: text.rfind(spelling) for spelling in _SPELLINGS}
    for _ in range(_BOXES_TRIED):
        spelling = max(starts, key=lambda each: starts[each])
        start = starts[spelling]
        if start < 0:
            return None
        ends[spelling] = start
        starts[spelling] = text.rfind(spelling, 0, start)
        content = _content(text, start)
        if content is not None and not is_blank(content):
            return content.strip()
    return None


def _content(text: str, start: int) -> str | None:
    found = _BOX.match(text, start + 1)
    if found is None:
        return None
    if found[1] != "{":
        return found[1].rstrip(".,;:")
    depth = 1
    for brace in _BRACES.finditer(text, found.end(), found.end() + _LONGEST_BOX):
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if not depth:
                return text[found.end() : brace.start()]
    return None
