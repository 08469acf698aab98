"""A part of a text that knows where it stands.

- `Piece`: the part, and the position of its first character in the whole.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Piece"]


class Piece(NamedTuple):
    """A part of a text.

    Attributes:
        text: The part.
        start: Where it begins in the whole.

    >>> Piece("so it is 42.", 100).part(9).strip(".")
    Piece(text='42', start=109)
    """

    text: str
    start: int = 0

    @property
    def stop(self) -> int:
        """The position after the last character."""
        return self.start + len(self.text)

    def part(self, start: int, stop: int | None = None) -> Piece:
        """Returns the characters from `start` to `stop`, counted from the piece's own start."""
        start, stop, _ = slice(start, stop).indices(len(self.text))
        return Piece(self.text[start:stop], self.start + start)

    def strip(self, characters: str | None = None) -> Piece:
        """Returns the piece without these characters (by default spaces) at both ends."""
        rest = self.text.lstrip(characters)
        return Piece(rest.rstrip(characters), self.stop - len(rest))

    def without(self, pattern: re.Pattern[str]) -> Piece:
        """Returns the piece up to where a pattern is found, or all of it."""
        found = pattern.search(self.text)
        return self.part(0, found.start()) if found else self

    def after(self, pattern: re.Pattern[str]) -> Piece:
        """Returns the piece without what a pattern matches at its start."""
        found = pattern.match(self.text)
        return self.part(found.end()) if found else self

    def group(self, found: re.Match[str]) -> Piece:
        """Returns the first group that took part in a match within the piece."""
        number = next(n for n, each in enumerate(found.groups(), 1) if each is not None)
        return self.part(*found.span(number))
