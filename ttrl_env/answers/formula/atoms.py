"""Numbers, letters, words and the arguments of commands.

- `Atoms`: reads them.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from ttrl_env.answers.formula.brackets import Brackets
from ttrl_env.answers.formula.numerals import numeral
from ttrl_env.answers.formula.tokens import Token, tokenize
from ttrl_env.answers.formula.tree import Node, letter
from ttrl_env.answers.formula.vocabulary import (
    BRACKETS,
    CALENDAR,
    CONSTANTS,
    FRACTIONS,
    FUNCTIONS,
    GREEK,
    WORD_FUNCTIONS,
)
from ttrl_env.answers.formula.words import is_product
from ttrl_env.answers.limits import MAX_DIGITS, Unreadable

__all__ = ["BARS", "Atoms"]

_PLAIN_NUMBER: Final = re.compile(r"[-+]?[\d.,\s]+|\([A-Za-z]\)|[A-Za-z]")
_LETTER_FUNCTIONS: Final = frozenset("fgh")
BARS: Final = frozenset({"|", "vert", "Vert"})
"""The marks around an absolute value."""
_REPEATING: Final = frozenset({"overline", "bar", "dot", "("})
_MARKED: Final = frozenset("\\^_")
"""What makes the content of a style a formula."""
_COMPOSITE: Final = frozenset("+-*/=<>()[],.0123456789")
_LONG_WORDS: Final = re.compile(r"[A-Za-z]{3,}")


class Atoms(Brackets):
    """What an exponent may be written above."""

    def argument(self, *, whole_number: bool) -> Node:
        """Reads the argument of a command: a group, one digit or a number, one letter."""
        kind, text, _, mark = self.token
        if mark == "{":
            return self.bracketed()
        if kind == "num" and not whole_number and len(text) > 1 and text.isdigit():
            self.replace(Token("num", text[1:], spaced=False))
            return ("n", int(text[0]))
        if kind == "word" and len(text) == 1 and not whole_number and not self.follows("_"):
            return letter(self.take().text)  # in `\\frac n2` the digit is no index
        if kind == "word" and len(text) > 1 and text not in CONSTANTS:
            self.replace(Token("word", text[1:], spaced=False))
            return letter(text[0])
        if kind == "op" and mark not in {"(", "[", "|", r"\{"}:
            raise Unreadable(f"unexpected {text!r}")
        return self.atom()

    def atom(self) -> Node:
        """Reads a number, a letter, a bracket, a command or a style."""
        kind, text, _, mark = self.token
        if kind == "num":
            return self.number()
        if kind == "word":
            return self.word()
        if mark in BRACKETS:
            return self.bracketed()
        if mark in BARS:
            return self.absolute(mark)
        if kind == "cmd" or mark == "...":
            self.take()
            return self.command(text)
        if kind == "text":
            return self.styled()
        raise Unreadable(f"unexpected {text!r}" if text else "an unfinished formula")

    def number(self) -> Node:
        """Reads a number, which may be mixed or have repeating digits."""
        text = self.take().text
        mark = self.mark
        if mark in _REPEATING and "." in text and (mark != "(" or text[-1] == "."):
            return self.repeating(text)
        if text.isdigit():
            if len(text) > MAX_DIGITS:
                raise Unreadable("too many digits")
            node: Node = ("n", int(text))
        else:
            node = numeral(text)
        if mark in FRACTIONS and text.isdigit():
            self.take()
            fraction = self.fraction()
            top, bottom = fraction[1][1], fraction[2][1]
            if fraction[1][0] == fraction[2][0] == "n" and 0 < top < bottom:
                return ("n", int(text) + Fraction(top) / bottom)
            return ("*", [node, fraction])
        return node

    def repeating(self, text: str) -> Node:
        r"""Reads the repeating digits after `0.1` in `0.1\overline{6}`."""
        closing = ")" if self.take().text == "(" else ""
        if self.mark == "{":
            self.take()
            closing = "}"
        digits = self.take().text
        if not digits.isdigit() or len(digits) > 64 or len(text) > 64:
            raise Unreadable("no repeating digits")
        if closing:
            self.expect(closing)
        whole, _, fixed = text.partition(".")
        if not (whole + fixed or "0").isdigit():
            raise Unreadable("repeating digits after an exponent")
        scale = 10 ** len(fixed)
        value = Fraction(int(whole + fixed or "0"), scale)
        return ("n", value + Fraction(int(digits), scale * (10 ** len(digits) - 1)))

    def word(self) -> Node:
        """Reads a run of letters: a letter, a function, or the first factor of a product."""
        text = self.token.text
        if len(text) == 1 or text in CONSTANTS or text in GREEK:
            self.take()
            return self.letter(text)
        if text in WORD_FUNCTIONS:
            self.take()
            return self.function(FUNCTIONS[text])
        if text.lower() in CALENDAR and len(text) == 2 and self.position:
            raise Unreadable("a time of day")
        if not is_product(text):
            raise Unreadable(f"the word {text!r}")
        if text.isupper() and len(text) > 3:
            self.take()
            return ("x", text)
        for length in range(min(len(text) - 1, 8), 1, -1):
            if text[:length] in WORD_FUNCTIONS or text[:length] == "pi":
                self.replace(Token("word", text[length:], spaced=False))
                name = text[:length]
                return ("c", "pi") if name == "pi" else self.function(FUNCTIONS[name])
        self.replace(Token("word", text[1:], spaced=False))
        return letter(text[0])

    def letter(self, name: str) -> Node:
        """Reads a letter with its subscript, its primes and, for f, g and h, its arguments."""
        kind, text, spaced, mark = self.token
        if mark == "_":
            self.take()
            return ("x", f"{name}_{self.subscript()}")
        if kind == "num" and not spaced and text.isdigit() and len(name) == 1 and name != "i":
            before = self.tokens[self.position - 2] if self.position > 1 else None
            if before is None or before.kind != "num":
                self.take()
                return ("x", f"{name}_{text}")
        primes = ""
        while self.mark == "'":
            self.take()
            primes += "'"
        if name in _LETTER_FUNCTIONS:
            function = self.letter_function(name + primes)
            if function is not None:
                return function
        if primes:
            return ("x", name + primes)
        return letter(name)

    def letter_function(self, name: str) -> Node | None:
        """Reads the arguments of f, g or h, of its inverse, or as sympy prints them: `f{(x)}`."""
        if self.mark == "^":
            ahead = [token.text for token in self.tokens[self.position : self.position + 6]]
            if ahead == ["^", "{", "-", "1", "}", "("]:
                self.jump(self.position + 5)
                return ("f", name + "^-1", self.bracket_items())
        if self.mark == "(":
            return ("f", name, self.bracket_items())
        if self.mark == "{" and self.follows("("):
            self.take()
            arguments = self.bracket_items()
            self.expect("}")
            return ("f", name, arguments)
        return None

    def styled(self) -> Node:
        r"""Reads `\text{...}` and its like where a factor is expected."""
        content = self.take().text.strip()
        if content in FUNCTIONS:
            return self.function(FUNCTIONS[content])
        if len(content) == 1 and content.isalpha():
            return self.letter(content)
        if content and _PLAIN_NUMBER.fullmatch(content):
            self.tokens[self.position : self.position] = tokenize(content)[:-1]
            self.jump(self.position)
            return self.signed_power()
        if not content.isascii():
            raise Unreadable("letters of no formula")
        if not _MARKED.isdisjoint(content) or _is_composite(content):
            self.tokens[self.position : self.position] = tokenize("{" + content + "}")[:-1]
            self.jump(self.position)
            return self.bracketed()
        if content.lower() in CALENDAR:
            raise Unreadable("a time of day")
        if content and len(content) <= 40 and content.replace(" ", "").isalpha():
            return ("x", content.lower() if len(content) > 2 else content)
        raise Unreadable("text inside a formula")


def _is_composite(content: str) -> bool:
    """Returns whether a style has more in it than a name: `6+9i`, but not `cm` and `x-axis`."""
    return not _COMPOSITE.isdisjoint(content) and not any(
        word not in FUNCTIONS for word in _LONG_WORDS.findall(content)
    )
