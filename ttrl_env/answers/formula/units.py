"""Units: words after a quantity that are not part of its value.

- `Units`: recognises and skips them.
"""

from __future__ import annotations

from typing import Final

from ttrl_env.answers.formula.cursor import Cursor
from ttrl_env.answers.formula.scales import is_foreign_unit, scale_of
from ttrl_env.answers.formula.tokens import END
from ttrl_env.answers.formula.tree import Node, has_letters
from ttrl_env.answers.formula.vocabulary import (
    CALENDAR,
    CONSTANTS,
    FUNCTIONS,
    GREEK,
    QUALIFIERS,
    UNITS,
    WORD_FUNCTIONS,
)
from ttrl_env.answers.formula.words import is_product

__all__ = ["Units"]

_LETTER_UNITS: Final = frozenset("mgshLWJNVACKFT")
_LAST_UNITS: Final = frozenset({"in", "min", "sec"})
"""Units that are other words, too, unless nothing follows them."""


class Units(Cursor):
    """The units of a quantity."""

    def unit_after(self, factors: list[Node]) -> bool:
        """Whether the current word or text is a unit of the factors before it."""
        token = self.token
        if token.kind == "word" and len(token.text) < 2:
            return False
        return self.unit_follows(0, known_only=has_letters(factors))

    def unit_follows(self, offset: int, *, known_only: bool = False) -> bool:
        """Returns whether a unit stands `offset` tokens ahead: a known one, or words to the end."""
        token = self.tokens[self.position + offset]
        if token.kind == "op":
            return token.text == "%"
        if token.kind == "text":
            word = token.text.strip()
            if word.lower() in CALENDAR:
                return False
            if not word.isascii() and not is_foreign_unit(word):
                return False
            if len(word) < 2:
                return word in _LETTER_UNITS or not word.isascii()
            if known_only and word.split()[0].lower() in QUALIFIERS:
                return False
            if word in _LAST_UNITS:
                after = self.tokens[self.position + offset + 1].mark
                return after is END or after == "/"
            return (
                word[0].isalpha() and word not in FUNCTIONS and not (offset == 0 and self.joiner())
            )
        if token.kind != "word":
            return False
        text = token.text
        if text.lower() in CALENDAR:
            return False
        if text in UNITS and text not in WORD_FUNCTIONS:
            return True
        if text in _LAST_UNITS:
            after = self.tokens[self.position + offset + 1].mark
            return token.spaced and (after is END or after == "/")
        if known_only or (offset and len(text) == 1):
            return False
        if len(text) < 3 or text in WORD_FUNCTIONS or text in CONSTANTS or text in GREEK:
            return False
        if not (token.spaced and set(text.lower()) & set("aeiou")) and is_product(text):
            return False
        # Any word does, where nothing but words follows.
        position = self.position + offset
        while True:
            kind, text, _, mark = self.tokens[position]
            if kind not in {"word", "text"} and mark not in {"%", "."}:
                return mark is END
            if kind == "word" and len(text) == 1 and text != "a":
                return False
            position += 1

    def scaled(self, node: Node) -> Node:
        """Skips the units after a quantity; `million` and its like multiply it."""
        scale = scale_of(self.token.text)
        self.skip_units()
        return node if scale is None else ("*", [node, ("n", scale)])

    def skip_units(self) -> None:
        """Moves over units with their exponents."""
        while self.unit_follows(0):
            self.take()
            if self.mark == "^":
                self.take()
                self.script()
            while self.mark == "/" and self.tokens[self.position + 1].kind in {"word", "text"}:
                self.take()
                self.take()
