r"""The end of a completion at the token that closes the box of its answer.

- `BoxWatch`: follows one completion and says when its box has closed.
- `closers`: the tokens that may close a box.
- `count_to_box`: the same for a complete text in pieces.
- `find_box_end`: where the first box of a text closes.

A box is `\boxed{...}`, `\fbox{...}` or `\framebox{...}` with balanced braces and something in it,
outside of an open thought. The completion then includes the whole token that closes its box, e.g.
"}$", and no end-of-text token; it counts as finished.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from ttrl_env.answers.text.boxes import is_blank
from ttrl_env.answers.text.thinking import reply

__all__ = ["BoxWatch", "closers", "count_to_box", "find_box_end"]

# The same boxes as `ttrl_env.answers` reads, so "\\\\boxed" is one too, not an escaped backslash.
_BRACE = re.compile(
    r"\\(?P<box>boxed|fbox|framebox)\s*(?:\[[^\]]{0,20}\]\s*){0,2}\{"
    r"|\\(?!\\(?:boxed|fbox|framebox)).|[{}]",
    re.DOTALL,
)


class BoxWatch:
    r"""Follows one completion; each call reads only the text since the last one.

    Args:
        thinking: Whether the prompt ends inside a thought, where boxes do not count.

    >>> watch = BoxWatch()
    >>> [watch.closes(piece) for piece in (r"It is \boxed{\frac{1}", "{2}", "}$")]
    [False, False, True]
    """

    def __init__(self, *, thinking: bool = False) -> None:
        self._thinking = thinking
        self._text = ""
        self._read = 0

    def closes(self, piece: str) -> bool:
        """Returns whether the box has closed.

        Args:
            piece: The text since the last call; a call is needed only after a token with a closing
                brace.
        """
        self._text += piece
        said = reply(self._text, thinking=self._thinking)
        return said is not None and find_box_end(said) is not None

    def closes_at(self, token_ids: Sequence[int], decode: Callable[[Sequence[int]], str]) -> bool:
        """Returns whether the last of these tokens has closed the box.

        Args:
            token_ids: The completion so far.
            decode: Turns tokens into text.
        """
        new, self._read = token_ids[self._read :], len(token_ids)
        return self.closes(decode(new))


def count_to_box(pieces: Iterable[str], *, thinking: bool = False) -> int | None:
    r"""Returns how many pieces of a text there are up to the one that closes its box.

    >>> count_to_box(["It is ", r"\boxed", "{", "7", "}$", "."])
    5
    """
    watch = BoxWatch(thinking=thinking)
    new = ""
    for count, piece in enumerate(pieces, 1):
        new += piece
        if "}" in piece:
            if watch.closes(new):
                return count
            new = ""
    return None


def closers(vocabulary: Mapping[str, int]) -> frozenset[int]:
    """Returns the tokens whose text has a closing brace.

    Args:
        vocabulary: A tokenizer's own forms of its tokens; byte-level ones spell a brace as itself.

    >>> sorted(closers({"7": 0, "}": 1, "}$": 2, "<0x7D>": 3}))
    [1, 2, 3]
    """
    return frozenset(id_ for form, id_ in vocabulary.items() if "}" in form or form == "<0x7D>")


def find_box_end(text: str) -> int | None:
    r"""Returns the index after the brace that closes the first box with something in it.

    The time is linear in the length of the text.

    >>> text = r"Not \boxed{}, but \boxed{\frac{1}{2}} or \boxed{3}"
    >>> text[: find_box_end(text)]
    'Not \\boxed{}, but \\boxed{\\frac{1}{2}}'
    """
    start = text.find("box")
    if start < 0:
        return None
    opened: list[int | None] = []  # where the content of a box begins; None for other braces
    for brace in _BRACE.finditer(text, max(0, text.rfind("\\", 0, start))):
        if brace["box"]:
            opened.append(brace.end())
        elif brace[0] == "{":
            opened.append(None)
        elif brace[0] == "}" and opened:
            begin = opened.pop()
            if begin is not None and not is_blank(text[begin : brace.start()]):
                return brace.end()
    return None
