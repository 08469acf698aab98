r"""A formula as an expression tree.

- `Node`: a tree is nested tuples; the first item of each names its kind.
- `parse`: the tree of a text, or `Unreadable`.

Kinds: `n` (exact number), `~` (a printed float), `x` (letter), `c` (constant), `+` `*` (lists
of operands), `/` `^` `root`, `pm`, `deg`, `f` (function, known or not), `rel`, `ratio`,
`list` (separated answers), `tuple` (with its brackets), `set`, `cup` `cap` `minus`, `mat`,
`base` (a numeral with its base). Nothing here computes.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Final, TypeAlias

from ttrl_env.answers.limits import MAX_CELLS, MAX_CHARACTERS, MAX_DEPTH, MAX_DIGITS, Unreadable
from ttrl_env.answers.tokens import Token, tokenize
from ttrl_env.answers.vocabulary import (
    ACCENTS,
    BRACKETS,
    CONSTANTS,
    FRACTIONS,
    FUNCTIONS,
    GREEK,
    JOINERS,
    MATRICES,
    PRODUCTS,
    RELATIONS,
    UNITS,
    WORD_FUNCTIONS,
)

__all__ = ["Node", "decimal", "parse"]

Node: TypeAlias = tuple[Any, ...]

_THOUSANDS: Final = re.compile(r"(?<![\d.,_])[1-9]\d{0,2}(?:,\d{3})+(?![\d,]*\d)")
_SPACED_THOUSANDS: Final = re.compile(r"(?<![\d.,_^])[1-9]\d{0,2}(?: \d{3})+(?![\d ]*\d)")
_DECIMAL_COMMA: Final = re.compile(r"([-+]?)(0|[1-9]|[1-9]\d{3,}),(\d{2,})")
_DOUBLED: Final = re.compile(r"\\\\(?=[A-Za-z]{2,}|[{}%$])")
_INTEGER: Final = re.compile(r"\d+")
_DIGITS_OF_NUMBER: Final = re.compile(r"[^\d.eE+-]")
_PLAIN_NUMBER: Final = re.compile(r"[\d.,\s]+|\([A-Za-z]\)|[A-Za-z]")
_FLOAT_DIGITS: Final = 15
_ROUNDED_DIGITS: Final = 12
_LETTER_FUNCTIONS: Final = frozenset("fgh")
_INVERTIBLE: Final = frozenset("sin cos tan cot sec csc sinh cosh tanh coth sech csch".split())
_BRACKET_FUNCTIONS: Final = {
    "lfloor": "floor",
    "llcorner": "floor",
    "lceil": "ceil",
    "ulcorner": "ceil",
    "lvert": "abs",
    "lVert": "abs",
}
_SCALES: Final = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9}


def decimal(text: str) -> Node:
    """Return the node of a decimal numeral such as `"3.140"`, `".5"` or `"1e-3"`.

    A decimal is an exact fraction. One of twelve or more significant digits that is the
    rounding of a simple fraction is that fraction, and one of fifteen or more that is not is
    a printed float, known to twelve digits only.

    >>> decimal("0.0833333333333333")
    ('n', Fraction(1, 12))
    """
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, decimals = mantissa.partition(".")
    if len(whole) + len(decimals) > MAX_DIGITS or len(exponent) > 5:
        raise Unreadable("too many digits")
    power = int(exponent or 0)
    if abs(power) > MAX_DIGITS:
        raise Unreadable("exponent too large")
    decimals = decimals.rstrip("0")
    digits = int((whole + decimals) or "0")
    value: Fraction | int
    if not decimals and power >= 0:
        return ("n", digits * 10**power)
    unit = Fraction(1, 10 ** len(decimals))
    value = digits * unit
    significant = len((whole + decimals).lstrip("0"))
    scale: Fraction | int = Fraction(10) ** power if power else 1
    if decimals and significant >= _ROUNDED_DIGITS:
        simple = value.limit_denominator(1000)
        if abs(simple - value) <= unit and simple:
            return ("n", simple * scale)
        if significant >= _FLOAT_DIGITS:
            return ("~", value * scale)
    return ("n", value * scale)


def parse(text: str) -> Node:
    r"""Return the expression tree of `text` (already in ASCII, see `spelling`).

    Raises:
        Unreadable: Where the text is no formula we read, or breaks a limit.

    >>> parse(r"\frac{1}{2}x")
    ('*', [('/', ('n', 1), ('n', 2)), ('x', 'x')])
    """
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(f"more than {MAX_CHARACTERS} characters")
    if "\\\\" in text and ("\\\\begin" in text or "\\begin" not in text):
        text = _DOUBLED.sub(r"\\", text.replace("\\\\\\\\", "\\\\\\"))
    if "," in text:
        text = _join_thousands(text)
    if " " in text:
        text = _SPACED_THOUSANDS.sub(lambda match: match[0].replace(" ", ""), text)
    return _Parser(tokenize(text)).answer()


def _join_thousands(text: str) -> str:
    """Remove thousands separators, which a list inside brackets never has, and decimal commas."""
    if "(" not in text and "[" not in text and "{" not in text.replace("{,}", ""):
        found = _DECIMAL_COMMA.fullmatch(text.strip())
        if found and not _THOUSANDS.fullmatch(text.strip().lstrip("+-")):
            return f"{found[1]}{found[2]}.{found[3]}"
    if not _THOUSANDS.search(text):
        return text
    pieces, depth, start = [], 0, 0
    for position, character in enumerate(text):
        opens = character in "([" or (character == "{" and text[position - 1 : position] == "\\")
        closes = character in ")]" or (character == "}" and text[position - 1 : position] == "\\")
        if opens:
            if depth == 0:
                pieces.append(_without_commas(text[start:position]))
                start = position
            depth += 1
        elif closes and depth:
            depth -= 1
            if depth == 0:
                pieces.append(text[start:position])
                start = position
    tail = text[start:]
    pieces.append(_without_commas(tail) if depth == 0 else tail)
    return "".join(pieces)


def _without_commas(text: str) -> str:
    return _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)


class _Parser:
    """Recursive descent over a list of tokens; `depth` bounds the recursion."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0
        self.bars = 0

    # -- moving over tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.tokens[self.position]
        self.position += 1
        return token

    def at(self, *texts: str) -> bool:
        token = self.tokens[self.position]
        return token.kind in {"op", "cmd"} and token.text in texts

    def expect(self, text: str) -> None:
        token = self.take()
        if token.text != text or token.kind == "num":
            raise Unreadable(f"expected {text!r}, found {token.text!r}")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"nested more than {MAX_DEPTH} deep")

    def joiner(self) -> bool:
        """Whether the current token is a word between two answers."""
        kind, text, _ = self.token
        if kind == "word":
            return text in {"and", "or"}
        if kind == "text":
            return text.strip(" ,;~").lower() in {"and", "or", "", "and/or"} and bool(text)
        return kind == "cmd" and text in JOINERS

    # -- lists of statements

    def answer(self) -> Node:
        groups = self.groups("end")
        if self.token.kind != "end":
            raise Unreadable(f"unexpected {self.token.text!r}")
        if len(groups) > 1 and any(len(group) > 1 for group in groups):
            return ("list", [_listed(group) for group in groups])
        return _listed([item for group in groups for item in group])

    def groups(self, *closers: str) -> list[list[Node]]:
        """Parse statements up to a closer; `;` starts a new group, `,` and words a new item."""
        groups: list[list[Node]] = [[]]
        while True:
            if self.at(*closers) or self.token.kind == "end":
                return groups
            if self.at(";") or self.token.kind == "row":
                self.take()
                if groups[-1]:
                    groups.append([])
            elif self.at(",") or self.joiner():
                self.take()
            else:
                if len(groups[-1]) > MAX_CELLS:
                    raise Unreadable("too many items")
                groups[-1].append(self.statement())
                self.skip_units()
                if not (
                    self.at(*closers, ",", ";")
                    or self.joiner()
                    or self.token.kind in {"end", "row"}
                ):
                    raise Unreadable(f"unexpected {self.token.text!r}")
        return groups

    def items(self, *closers: str) -> list[Node]:
        return [item for group in self.groups(*closers) for item in group]

    def statement(self) -> Node:
        if self.relation() == "~":
            self.take()
        parts = [self.ratio()]
        signs: list[str] = []
        while True:
            sign = self.relation()
            if sign is None:
                break
            self.take()
            signs.append(sign)
            parts.append(self.ratio())
        return ("rel", signs, parts) if signs else parts[0]

    def relation(self) -> str | None:
        kind, text, _ = self.token
        return RELATIONS.get(text) if kind in {"op", "cmd"} else None

    def ratio(self) -> Node:
        parts = [self.set_expression()]
        while self.at(":"):
            self.take()
            parts.append(self.set_expression())
        return ("ratio", parts) if len(parts) > 1 else parts[0]

    def set_expression(self) -> Node:
        node = self.sum()
        while True:
            token = self.token
            if self.at("cup") or (token.kind == "word" and token.text == "U"):
                kind = "cup"
            elif self.at("cap"):
                kind = "cap"
            elif self.at("setminus", "backslash"):
                kind = "minus"
            elif self.at("choose", "over"):
                self.take()
                right = self.sum()
                node = (
                    ("f", "binom", [node, right]) if token.text == "choose" else ("/", node, right)
                )
                continue
            else:
                return node
            self.take()
            node = (kind, node, self.sum())

    # -- arithmetic

    def sum(self) -> Node:
        terms: list[Node] = []
        if self.at("pm", "mp"):
            terms.append(self.signed_variant())
        else:
            terms.append(self.term())
        while True:
            if self.at("+"):
                self.take()
                terms.append(self.term())
            elif self.at("-"):
                self.take()
                terms.append(_negated(self.term()))
            elif self.at("pm", "mp"):
                terms.append(self.signed_variant())
            else:
                return ("+", terms) if len(terms) > 1 else terms[0]

    def signed_variant(self) -> Node:
        sign = 1 if self.take().text == "pm" else -1
        return ("pm", sign, self.term())

    def sign(self) -> int:
        sign = 1
        while self.at("+", "-"):
            if self.take().text == "-":
                sign = -sign
        return sign

    def signed_power(self) -> Node:
        sign = self.sign()
        node = self.power()
        return node if sign > 0 else _negated(node)

    def term(self) -> Node:
        sign = self.sign()
        factors = [self.power()]
        while True:
            kind, text, _ = self.token
            if (kind == "op" and text == "*") or (kind == "cmd" and text in PRODUCTS):
                self.take()
                factors.append(self.signed_power())
            elif (kind == "op" and text == "/") or (kind == "cmd" and text == "div"):
                if self.unit_follows(1):
                    self.take()
                    self.skip_units()
                    continue
                self.take()
                right = self.signed_power()
                factors = [("/", _product(factors), right)]
            elif kind == "cmd" and text in {"mod", "bmod", "pmod"}:
                self.take()
                factors = [("f", "mod", [_product(factors), self.signed_power()])]
            elif self.unit_follows(0):
                factors = [self.scaled(_product(factors))]
            elif self.starts_factor():
                if kind == "num" and factors[-1][0] in {"n", "~"}:
                    factors[-1:] = [self.number_after_number(factors[-1])]
                else:
                    factors.append(self.power())
            else:
                break
        node = _product(factors)
        return node if sign > 0 else _negated(node)

    def number_after_number(self, left: Node) -> Node:
        """Read what follows a number: a mixed number, or a product such as `2^6 3^5`."""
        kind, text, _ = self.token
        ahead = self.tokens[self.position + 1]
        if (ahead.kind, ahead.text) == ("op", "/") and isinstance(left[1], int):
            bottom = self.tokens[self.position + 2]
            if _INTEGER.fullmatch(text) and bottom.kind == "num" and bottom.text.isdigit():
                self.position += 3
                numerator, denominator = _small(text), _small(bottom.text)
                if 0 < numerator < denominator:
                    return ("n", left[1] + Fraction(numerator, denominator))
            raise Unreadable("two numbers side by side")
        if ahead.kind == "op" and ahead.text in {"^", "!"}:
            return ("*", [left, self.power()])
        if ahead.kind == "cmd" and ahead.text in FRACTIONS:
            return ("*", [left, self.power()])
        raise Unreadable("two numbers side by side")

    def starts_factor(self) -> bool:
        kind, text, _ = self.token
        if kind in {"num", "word", "text"}:
            return not self.joiner() and not (kind == "word" and text == "U")
        if kind == "op":
            return text in {"(", "[", "{", r"\{"} or (text == "|" and not self.bars)
        if kind == "cmd":
            return (
                text in FUNCTIONS
                or text in CONSTANTS
                or text in GREEK
                or text in FRACTIONS
                or text in ACCENTS
                or (text in BRACKETS)
                or text in {"sqrt", "binom", "dbinom", "tbinom", "boxed", "fbox", "begin", "int"}
                or text in {"sum", "prod", "lim", "ldots", "dots", "cdots", "angle", "emptyset"}
                or (text in {"vert", "Vert"} and not self.bars)
            )
        return False

    # -- units

    def unit_follows(self, offset: int) -> bool:
        """Whether a unit stands `offset` tokens ahead: a known one, or words to the end."""
        kind, text, _ = self.tokens[self.position + offset]
        if kind == "op":
            return text == "%"
        if kind == "text":
            word = text.strip()
            if len(word) < 2 or not word[0].isalpha() or word in FUNCTIONS or self.joiner():
                return kind == "text" and word in {"m", "g", "s", "h", "L", "W", "J", "N", "V", "A"}
            return True
        if kind != "word":
            return False
        if text in UNITS and text not in FUNCTIONS:
            return True
        if len(text) < 3 or text in WORD_FUNCTIONS or text in CONSTANTS or text in GREEK:
            return False
        # Any word does, where nothing but words follows.
        position = self.position + offset
        while True:
            kind, text, _ = self.tokens[position]
            if kind == "word" and (len(text) > 1 or text == "a"):
                position += 1
            elif (kind == "op" and text in {"%", "."}) or kind == "text":
                position += 1
            else:
                return kind == "end" and not _is_product(self.tokens[self.position + offset].text)

    def scaled(self, node: Node) -> Node:
        """Skip the units after a quantity; `million` and its like multiply it."""
        scale = _SCALES.get(self.token.text.strip().lower())
        self.skip_units()
        return node if scale is None else ("*", [node, ("n", scale)])

    def skip_units(self) -> None:
        while self.unit_follows(0):
            self.take()
            if self.at("^"):
                self.take()
                self.script()
            elif self.at("/") and self.unit_follows(1):
                self.take()

    # -- powers and atoms

    def power(self) -> Node:
        node = self.atom()
        while True:
            kind, text, _ = self.token
            if kind == "cmd" and text in {"circ", "degree"}:
                self.take()
                node = ("deg", node)
            elif kind != "op":
                return node
            elif text == "^":
                self.take()
                node = self.raised(node)
            elif text == "!":
                marks = 0
                while self.at("!"):
                    self.take()
                    marks += 1
                if marks > 8:
                    raise Unreadable("too many factorials")
                node = ("f", "!" * marks, [node])
            elif text == "'" and node[0] == "x":
                self.take()
                node = ("x", node[1] + "'")
            elif text == "_" and node[0] == "n":
                self.take()
                node = self.based(node)
            else:
                return node

    def raised(self, base: Node) -> Node:
        """Read the exponent of `base`, whose `^` has been taken."""
        if self.at("circ", "degree"):
            self.take()
            return ("deg", base)
        ahead = self.tokens[self.position + 1 : self.position + 3]
        if self.at("{") and [t.text for t in ahead] in (["circ", "}"], ["degree", "}"]):
            self.position += 3
            return ("deg", base)
        if self.at("{") and [t.text for t in ahead] == ["prime", "}"] and base[0] == "x":
            self.position += 3
            return ("x", base[1] + "'")
        self.deeper()
        exponent = self.script()
        if self.at("^"):
            self.take()
            exponent = self.raised(exponent)
        self.depth -= 1
        if base[0] == "x" and self.at("_"):
            self.take()
            base = ("x", f"{base[1]}_{self.subscript()}")
        return ("^", base, exponent)

    def based(self, node: Node) -> Node:
        """Read the base of a numeral such as `204_5`."""
        numeral = self.tokens[self.position - 2].text
        base = self.subscript()
        if not (base.isdigit() and numeral.isdigit() and 2 <= _small(base) <= 36):
            raise Unreadable("a subscript that is no base")
        if any(int(digit) >= int(base) for digit in numeral):
            raise Unreadable("a digit outside its base")
        del node
        return ("base", numeral.lstrip("0") or "0", int(base))

    def subscript(self) -> str:
        """Return a subscript as a name: its tokens without braces and spaces."""
        kind, text, _ = self.token
        if not self.at("{"):
            if kind in {"num", "word", "cmd", "text"}:
                self.take()
                return text.strip()
            raise Unreadable("an empty subscript")
        self.take()
        depth, names = 1, []
        while True:
            kind, text, _ = self.take()
            if kind == "end":
                raise Unreadable("an open subscript")
            depth += (text == "{") - (text == "}")
            if depth > MAX_DEPTH:
                raise Unreadable(f"nested more than {MAX_DEPTH} deep")
            if not depth:
                return "".join(names) if len(names) < 2 else f"({''.join(names)})"
            if text not in {"{", "}"}:
                names.append(text.strip())

    def script(self) -> Node:
        """Read the argument of `^`: a group, a signed number, or one letter."""
        if self.at("-", "+"):
            return _negated(self.script()) if self.take().text == "-" else self.script()
        return self.argument(whole_number=True)

    def argument(self, *, whole_number: bool) -> Node:
        """Read the argument of a command: a group, one digit or a number, one letter."""
        kind, text, _ = self.token
        if kind == "num" and not whole_number and len(text) > 1 and text.isdigit():
            self.tokens[self.position] = Token("num", text[1:], spaced=False)
            return ("n", int(text[0]))
        if kind == "word" and len(text) > 1 and text not in CONSTANTS:
            self.tokens[self.position] = Token("word", text[1:], spaced=False)
            return _letter(text[0])
        if kind == "op" and text not in {"(", "{", "[", "|", r"\{"}:
            raise Unreadable(f"unexpected {text!r}")
        return self.atom()

    def atom(self) -> Node:
        kind, text, _ = self.token
        if kind == "num":
            return self.number()
        if kind == "word":
            return self.word()
        if kind == "text":
            return self.styled()
        if kind in {"op", "cmd"}:
            if text in BRACKETS:
                return self.bracketed()
            if text in {"|", "vert", "Vert"}:
                return self.absolute(text)
        if kind == "cmd":
            self.take()
            return self.command(text)
        raise Unreadable(f"unexpected {text!r}" if text else "an unfinished formula")

    def number(self) -> Node:
        text = self.take().text
        if self.at("overline", "bar", "dot") and "." in text:
            return self.repeating(text)
        if self.at("(") and text.endswith(".") and "." in text[-1:]:
            return self.repeating(text)
        if text.isdigit():
            if len(text) > MAX_DIGITS:
                raise Unreadable("too many digits")
            node: Node = ("n", int(text))
        else:
            node = decimal(_DIGITS_OF_NUMBER.sub("", text.replace(",", "")))
        if self.at(*FRACTIONS) and text.isdigit():
            mark = self.position
            self.take()
            fraction = self.fraction()
            if (
                fraction[1][0] == fraction[2][0] == "n"
                and isinstance(fraction[1][1], int)
                and isinstance(fraction[2][1], int)
                and 0 < fraction[1][1] < fraction[2][1]
            ):
                return ("n", int(text) + Fraction(fraction[1][1], fraction[2][1]))
            self.position = mark
            # One-digit arguments are split off their token, so the fraction is kept as read.
            self.skip_fraction()
            return ("*", [node, fraction])
        return node

    def skip_fraction(self) -> None:
        self.take()
        self.fraction()

    def repeating(self, text: str) -> Node:
        """Read the repeating digits after `0.1` in `0.1\\overline{6}`."""
        opening = self.take().text
        if opening != "(":
            self.expect("{") if self.at("{") else None
        digits = self.take().text
        if not digits.isdigit() or len(digits) > 64 or len(text) > 64:
            raise Unreadable("no repeating digits")
        if self.at("}") or self.at(")"):
            self.take()
        whole, _, fixed = text.partition(".")
        scale = 10 ** len(fixed)
        value = Fraction(int(whole + fixed or "0"), scale)
        return ("n", value + Fraction(int(digits), scale * (10 ** len(digits) - 1)))

    def word(self) -> Node:
        _, text, _ = self.token
        if text in WORD_FUNCTIONS:
            self.take()
            return self.function(FUNCTIONS[text])
        if text in CONSTANTS or text in GREEK:
            self.take()
            return self.letter(text)
        if len(text) == 1:
            self.take()
            return self.letter(text)
        if not _is_product(text):
            raise Unreadable(f"the word {text!r}")
        if text.isupper() and len(text) > 3:
            self.take()
            return ("x", text)
        for length in range(min(len(text) - 1, 8), 1, -1):
            if text[:length] in WORD_FUNCTIONS or text[:length] == "pi":
                self.tokens[self.position] = Token("word", text[length:], spaced=False)
                name = text[:length]
                return ("c", "pi") if name == "pi" else self.function(FUNCTIONS[name])
        self.tokens[self.position] = Token("word", text[1:], spaced=False)
        return _letter(text[0])

    def letter(self, name: str) -> Node:
        """Read a letter with its subscript, its primes and, for f, g and h, its arguments."""
        if self.at("_"):
            self.take()
            return ("x", f"{name}_{self.subscript()}")
        kind, text, spaced = self.token
        if kind == "num" and not spaced and text.isdigit() and len(name) == 1 and name.isalpha():
            before = self.tokens[self.position - 2] if self.position > 1 else None
            if before is None or before.kind != "num":
                self.take()
                return ("x", f"{name}_{text}")
        primes = ""
        while self.at("'"):
            self.take()
            primes += "'"
        if name in _LETTER_FUNCTIONS and self.at("("):
            return ("f", name + primes, self.bracket_items())
        if primes:
            return ("x", name + primes)
        return _letter(name)

    def styled(self) -> Node:
        r"""Read `\text{...}` and its like where a factor is expected."""
        content = self.take().text.strip()
        if content in FUNCTIONS:
            return self.function(FUNCTIONS[content])
        if len(content) == 1 and content.isalpha():
            return self.letter(content)
        if content and _PLAIN_NUMBER.fullmatch(content):
            inner = tokenize(content)[:-1]
            self.tokens[self.position : self.position] = inner
            return self.atom()
        if content and len(content) <= 40 and content.replace(" ", "").isalpha():
            return ("x", content.lower() if len(content) > 2 else content)
        raise Unreadable("text inside a formula")

    def bracket_items(self) -> list[Node]:
        opening = self.take().text
        self.deeper()
        bars, self.bars = self.bars, 0
        items = self.items(BRACKETS[opening])
        self.expect(BRACKETS[opening])
        self.bars = bars
        self.depth -= 1
        return items

    def bracketed(self) -> Node:
        opening = self.take().text
        self.deeper()
        bars, self.bars = self.bars, 0
        closers = [BRACKETS[opening]]
        if opening in {"(", "["}:
            closers = [")", "]"]
        items = self.items(*closers)
        closing = self.take().text
        if closing not in closers:
            raise Unreadable("an open bracket")
        self.bars = bars
        self.depth -= 1
        if opening in _BRACKET_FUNCTIONS:
            return ("f", _BRACKET_FUNCTIONS[opening], items)
        if opening in {r"\{", "lbrace"}:
            return ("set", items)
        if not items:
            raise Unreadable("empty brackets")
        if opening in {"{", "lgroup", "lbrack"} and len(items) > 1:
            return ("set", items) if opening == "{" else ("tuple", items, "(", ")")
        if len(items) == 1 and closing == BRACKETS[opening]:
            return items[0]
        return ("tuple", items, opening if opening == "[" else "(", closing if closing == "]" else ")")

    def absolute(self, closing: str) -> Node:
        self.take()
        self.deeper()
        self.bars += 1
        inside = self.statement()
        self.expect(closing)
        self.bars -= 1
        self.depth -= 1
        return ("f", "abs", [inside])

    def fraction(self) -> Node:
        self.deeper()
        top = self.argument(whole_number=False)
        bottom = self.argument(whole_number=False)
        self.depth -= 1
        return ("/", top, bottom)

    def function(self, name: str) -> Node:
        """Read the power, the base and the arguments of a function."""
        self.deeper()
        power: Node | None = None
        base: Node | None = None
        for _ in range(2):
            if self.at("^"):
                self.take()
                power = self.script()
            elif self.at("_"):
                self.take()
                base = self.script()
        if name == "sqrt":
            node = self.root()
        else:
            if self.at("(", "[", "{", r"\{", "lgroup", "lbrace", "lbrack"):
                arguments = self.bracket_items()
            else:
                arguments = [self.function_argument()]
            if not arguments:
                raise Unreadable(f"{name} of nothing")
            if power == ("n", -1) and name in _INVERTIBLE:
                name, power = "a" + name, None
            if base is not None:
                if name != "log":
                    raise Unreadable(f"a subscript of {name}")
                node = ("/", ("f", "ln", arguments), ("f", "ln", [base]))
            elif name == "lg":
                node = ("/", ("f", "ln", arguments), ("f", "ln", [("n", 10)]))
            elif name == "cbrt":
                node = ("root", ("n", 3), arguments[0])
            elif name == "exp":
                node = ("^", ("c", "e"), arguments[0])
            else:
                node = ("f", "ln" if name == "log" else name, arguments)
        self.depth -= 1
        return node if power is None else ("^", node, power)

    def root(self) -> Node:
        index: Node = ("n", 2)
        if self.at("["):
            index = self.bracketed()
        return ("root", index, self.argument(whole_number=True))

    def function_argument(self) -> Node:
        """Read the argument of a function without brackets: a product up to the next function."""
        sign = self.sign()
        factors = [self.power()]
        while self.starts_factor() and not self.unit_follows(0):
            kind, text, _ = self.token
            if kind in {"cmd", "word", "text"} and text.strip() in FUNCTIONS:
                break
            if kind == "op" and text in {"(", "[", r"\{"}:
                break
            if kind == "num":
                break
            factors.append(self.power())
        node = _product(factors)
        return node if sign > 0 else _negated(node)

    def command(self, name: str) -> Node:
        if name in FRACTIONS:
            return self.fraction()
        if name in FUNCTIONS:
            return self.function(FUNCTIONS[name])
        if name in CONSTANTS or name in GREEK:
            return self.letter(name)
        if name in {"boxed", "fbox"}:
            return self.argument(whole_number=True)
        if name in {"binom", "dbinom", "tbinom"}:
            self.deeper()
            top, bottom = self.argument(whole_number=False), self.argument(whole_number=False)
            self.depth -= 1
            return ("f", "binom", [top, bottom])
        if name == "begin":
            return self.environment()
        if name in {"int", "sum", "prod", "lim"}:
            return self.big_operator(name)
        if name in {"emptyset", "varnothing"}:
            return ("set", [])
        if name in {"ldots", "dots", "cdots", "dotsc", "vdots"}:
            return ("x", "...")
        if name in ACCENTS:
            return ("x", f"{name} {self.subscript()}")
        if name in {"angle", "triangle", "measuredangle"}:
            if self.token.kind not in {"word", "text"}:
                raise Unreadable(f"unexpected {self.token.text!r}")
            return ("x", f"{name} {self.take().text.strip()}")
        raise Unreadable(f"the command {name!r}")

    def big_operator(self, name: str) -> Node:
        self.deeper()
        lower: Node = ("x", "")
        upper: Node = ("x", "")
        for _ in range(2):
            if self.at("_"):
                self.take()
                lower = self.argument(whole_number=True)
            elif self.at("^"):
                self.take()
                upper = self.script()
        body = self.term()
        self.depth -= 1
        return ("f", f"\\{name}", [body, lower, upper])

    def environment(self) -> Node:
        self.expect("{")
        name = self.take().text
        if self.at("*"):
            self.take()
        self.expect("}")
        if name not in MATRICES and name not in {"cases", "aligned", "align", "gathered"}:
            raise Unreadable(f"the environment {name!r}")
        self.deeper()
        if name == "array":
            self.subscript()
        rows: list[list[Node]] = [[]]
        cells = 0
        while not self.at("end"):
            if self.token.kind == "row":
                self.take()
                rows.append([])
            elif self.at("&"):
                self.take()
            elif self.at(","):
                self.take()
            else:
                cells += 1
                if cells > MAX_CELLS:
                    raise Unreadable(f"more than {MAX_CELLS} cells")
                rows[-1].append(self.statement())
        self.take()
        self.expect("{")
        self.take()
        if self.at("*"):
            self.take()
        self.expect("}")
        self.depth -= 1
        rows = [row for row in rows if row]
        if not rows:
            raise Unreadable("an empty matrix")
        if name in MATRICES:
            if len({len(row) for row in rows}) > 1:
                raise Unreadable("a ragged matrix")
            kind = "det" if name in {"vmatrix", "Vmatrix"} else "mat"
            return (kind, rows)
        return ("set", [row[0] if len(row) == 1 else ("tuple", row, "(", ")") for row in rows])


def _small(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise Unreadable("too many digits")
    return int(digits)


def _letter(name: str) -> Node:
    constant = CONSTANTS.get(name)
    return ("c", constant) if constant else ("x", name)


def _negated(node: Node) -> Node:
    if node[0] == "n":
        return ("n", -node[1])
    return ("*", [("n", -1), node])


def _product(factors: list[Node]) -> Node:
    return factors[0] if len(factors) == 1 else ("*", factors)


def _listed(items: list[Node]) -> Node:
    if not items:
        raise Unreadable("nothing")
    return items[0] if len(items) == 1 else ("list", items)


def _is_product(word: str) -> bool:
    """Whether a run of letters reads as a product (`abx`, `xsin`), not as a word."""
    if len(word) < 4 or word.isupper():
        return True
    return any(word.endswith(name) or word.startswith(name) for name in ("sin", "cos", "sqrt", "ln"))
