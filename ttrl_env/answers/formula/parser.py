r"""A formula as an expression tree: statements, sums and products of what the levels below read.

- `parse`: the tree of a text (see `tree`), or `Unreadable`.

>>> parse("1 + x")
('+', [('n', 1), ('x', 'x')])
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from ttrl_env.answers.formula.atoms import BARS
from ttrl_env.answers.formula.numerals import join_digits
from ttrl_env.answers.formula.powers import Powers
from ttrl_env.answers.formula.tokens import END, ROW, tokenize
from ttrl_env.answers.formula.tree import (
    REALS,
    Node,
    is_inequality,
    listed,
    named_point,
    negated,
    quotient,
    small_number,
)
from ttrl_env.answers.formula.vocabulary import (
    ACCENTS,
    BRACKETS,
    CONSTANTS,
    FRACTIONS,
    FUNCTIONS,
    GREEK,
    JOINERS,
    PRODUCTS,
    RELATIONS,
    STYLES,
)
from ttrl_env.answers.limits import MAX_CELLS, MAX_CHAIN, MAX_CHARACTERS, MAX_DIGITS, Unreadable

__all__ = ["parse"]

_DOUBLED: Final = re.compile(r"\\\\(?=[A-Za-z]{2,}|[{}%$])")
_TIMES: Final = re.compile(r"(?<=\d) ?[xX] ?(?=10 ?(?:\^|\*\*))")
"""The letter in `3 x 10^8`, which is a sign."""
_ANGLES: Final = re.compile(r"<[^<>=]*,[^<>=]*>")
"""A vector in plain text."""
_INTEGER: Final = re.compile(r"\d+")
_HEDGES: Final = frozenset({"about", "approximately", "roughly", "exactly", "only", "both"})
_SUM_MARKS: Final = frozenset({"+", "-", "pm", "mp"})
_SIGNS: Final = frozenset("+-")
_SET_OPERATIONS: Final = {
    "cup": "cup",
    "cap": "cap",
    "bigcup": "cup",
    "bigcap": "cap",
    "setminus": "minus",
    "backslash": "minus",
    "choose": "choose",
    "over": "/",
}
_REMAINDERS: Final = frozenset({"mod", "bmod", "pmod"})
_ALTERNATIVES: Final = frozenset({"or", "lor", "vee", "and/or"})
_TERM_ENDS: Final = frozenset({END, ROW, *"+-,;)]}:&", r"\}", "pm", "mp", *RELATIONS})
_ITEM_ENDS: Final = frozenset({END, ROW, *",;)]}&", r"\}"})
_FACTOR_STARTS: Final = frozenset(
    {"(", "[", "{", r"\{", "...", "ldots", "dots", "cdots", "sqrt", "binom", "dbinom", "tbinom"}
    | {"boxed", "fbox", "begin", "int", "sum", "prod", "lim", "angle", "triangle", "emptyset"}
    | {*FUNCTIONS, *CONSTANTS, *GREEK, *FRACTIONS, *ACCENTS, *BRACKETS, *STYLES}
)


def parse(text: str) -> Node:
    r"""Returns the expression tree of `text` (already in ASCII, see `spelling`).

    Raises:
        Unreadable: Where the text is not a formula that is understood, or breaks a limit.

    >>> parse(r"\frac{1}{2}x")
    ('*', [('/', ('n', 1), ('n', 2)), ('x', 'x')])
    """
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(f"more than {MAX_CHARACTERS} characters")
    if "\\\\" in text and ("\\\\begin" in text or "\\begin" not in text):
        text = _DOUBLED.sub(r"\\", text.replace("\\\\\\\\", "\\\\\\"))
    if "10" in text and ("x" in text or "X" in text):
        text = _TIMES.sub(r"\\times ", text)
    if text[:1] == "<" and text[-1] == ">" and _ANGLES.fullmatch(text):
        text = f"\\langle {text[1:-1]}\\rangle"
    text = join_digits(text)
    return _Parser(tokenize(text)).answer()


class _Parser(Powers):
    """The highest levels of the grammar."""

    # -- lists of statements

    def answer(self) -> Node:
        """Reads the whole text."""
        groups = self.groups(END)
        if len(groups) == 1 and len(groups[0]) == 1 and self.mark is END:
            return groups[0][0]
        if self.mark is not END:
            raise Unreadable(f"unexpected {self.token.text!r}")
        if len(groups) > 1 and any(len(group) > 1 for group in groups):
            return ("list", [listed(group) for group in groups])
        return listed([item for group in groups for item in group])

    def groups(self, *closers: str) -> list[list[Node]]:
        """Parses statements up to a closer; `;` starts a new group, `,` and words a new item."""
        groups: list[list[Node]] = [[]]
        separated, alternative = True, False
        while True:
            mark = self.mark
            if mark in closers or mark is END:
                return groups
            if mark == "," or mark == ";" or mark is ROW:
                self.take()
                separated = True
                if mark != "," and groups[-1]:
                    groups.append([])
                continue
            word = self.joiner() if not mark or mark in JOINERS else ""
            if word:
                self.take()
                separated, alternative = True, word in _ALTERNATIVES
                continue
            if not separated:
                raise Unreadable(f"unexpected {self.token.text!r}")
            group = groups[-1]
            if len(group) > MAX_CELLS:
                raise Unreadable("too many items")
            item = self.statement()
            if alternative and group and is_inequality(item) and is_inequality(group[-1]):
                item = ("cup", group.pop(), item)
            group.append(item)
            separated = alternative = False

    def items(self, *closers: str) -> list[Node]:
        """Reads statements up to a closing token."""
        groups = self.groups(*closers)
        return groups[0] if len(groups) == 1 else [item for group in groups for item in group]

    def statement(self) -> Node:
        """Reads a sum or a chain of relations."""
        token = self.token
        # Most statements in lists and cells are whole numbers; they need no levels.
        if (
            token.kind == "num"
            and self.tokens[self.position + 1].mark in _ITEM_ENDS
            and token.text.isdigit()
            and len(token.text) <= MAX_DIGITS
        ):
            self.take()
            return ("n", int(token.text))
        first = None
        if self.mark:
            if RELATIONS.get(self.mark) in {"~", "="}:
                self.take()
        elif len(token.text) > 3 and token.text.strip().lower() in _HEDGES:
            self.take()
        elif token.kind == "word" and self.tokens[self.position + 1].mark == "(":
            first = self.named_function()
        first = first or self.sum()
        if self.mark in _ITEM_ENDS:
            return first if first[0] != "*" else named_point(first)
        first = self.ratio(first)
        sign = RELATIONS.get(self.mark)
        if sign is None:
            return first
        parts, signs = [first], []
        while sign is not None:
            self.take()
            signs.append(sign)
            parts.append(self.ratio(self.sum()))
            sign = RELATIONS.get(self.mark)
        return ("rel", signs, parts)

    def named_function(self) -> Node | None:
        """Reads `p(x)` before an equals sign: a name, where it would be a product elsewhere."""
        ahead = self.tokens[self.position : self.position + 5]
        name, argument = ahead[0].text, ahead[2].text if len(ahead) == 5 else ""
        marks = [token.mark for token in ahead[1:]]
        if len(name) != 1 or not name.islower() or marks != ["(", "", ")", "="]:
            return None
        if len(argument) != 1 or not argument.isalpha() or argument == name:
            return None
        self.jump(self.position + 4)
        return ("f", name, [("x", argument)])

    def ratio(self, first: Node) -> Node:
        """Reads a ratio, the first sum of which has been read."""
        node = self.set_expression(first)
        if self.mark != ":":
            return node
        parts = [node]
        while self.mark == ":":
            self.take()
            parts.append(self.set_expression(self.sum()))
        return ("ratio", parts)

    def set_expression(self, node: Node) -> Node:
        """Reads unions and other operations on sets, after the first set."""
        if self.mark in _ITEM_ENDS:
            return node
        for _ in range(MAX_CHAIN):
            kind = _SET_OPERATIONS.get(self.mark)
            if kind is None:
                if self.token.kind != "word" or self.token.text != "U":
                    return node
                kind = "cup"
            self.take()
            right = self.sum()
            node = ("f", "binom", [node, right]) if kind == "choose" else (kind, node, right)
        raise Unreadable("too many set operations")

    # -- arithmetic

    def sum(self) -> Node:
        """Reads terms with their signs."""
        mark = self.mark
        first = self.signed_variant() if mark == "pm" or mark == "mp" else self.term()
        mark = self.mark
        if mark not in _SUM_MARKS:
            return first
        terms = [first]
        while mark in _SUM_MARKS:
            if mark == "+":
                self.take()
                terms.append(self.term())
            elif mark == "-":
                self.take()
                terms.append(negated(self.term()))
            else:
                terms.append(self.signed_variant())
            mark = self.mark
        if first == REALS and len(terms) == 2:
            other = terms[1]
            if other[0] == "*" and other[1][0] == ("n", -1) and other[1][1][0] in {"set", "tuple"}:
                return ("minus", first, other[1][1])
        return ("+", terms)

    def signed_variant(self) -> Node:
        """Reads a term after a plus-minus."""
        sign = 1 if self.take().text == "pm" else -1
        return ("pm", sign, self.term())

    def sign(self) -> int:
        """Reads signs in a row."""
        sign = 1
        while True:
            if self.mark == "-":
                sign = -sign
            elif self.mark != "+":
                return sign
            self.take()

    def signed_power(self) -> Node:
        """Reads a factor with its sign."""
        sign = self.sign()
        node = self.power()
        return node if sign > 0 else negated(node)

    def term(self) -> Node:
        """Reads a product of factors, with its divisors and units."""
        sign = self.sign() if self.mark in _SIGNS else 1
        last = self.power()
        if self.mark in _TERM_ENDS:
            return last if sign > 0 else negated(last)
        factors, divisors = [last], []
        remainders = 0
        while True:
            mark = self.mark
            if mark in _TERM_ENDS:
                break
            if not mark and self.is_letter():
                last = self.power()
                factors.append(last)
            elif mark in PRODUCTS:
                self.take()
                last = self.signed_power()
                factors.append(last)
            elif mark == "/" or mark == "div":
                self.take()
                if self.unit_follows(0):
                    self.skip_units()
                    continue
                last = self.signed_power()
                divisors.append(last)
            elif mark in _REMAINDERS or (
                mark == "(" and self.tokens[self.position + 1].text.strip() in _REMAINDERS
            ):
                if mark == "(":
                    self.take()
                self.take()
                remainders += 1
                if remainders > 2:
                    raise Unreadable("too many remainders")
                last = self.signed_power()
                divided = quotient(factors, divisors)
                if sign < 0:
                    sign, divided = 1, negated(divided)
                if mark == "(":
                    self.expect(")")
                factors, divisors = [("f", "mod", [divided, last])], []
            elif self.token.kind == "num":
                if last[0] in {"n", "~"}:
                    chain = divisors if divisors and divisors[-1] is last else factors
                    last = chain[-1] = self.number_after_number(last)
                else:
                    last = self.power()
                    factors.append(last)
            elif mark == "%" or (not mark and self.unit_after(factors)):
                factors, divisors = [self.scaled(quotient(factors, divisors))], []
            elif self.starts_factor():
                last = self.power()
                factors.append(last)
            else:
                break
        node = quotient(factors, divisors)
        return node if sign > 0 else negated(node)

    def number_after_number(self, left: Node) -> Node:
        """Reads what follows a number: a mixed number, or a product such as `2^6 3^5`."""
        text = self.token.text
        ahead = self.tokens[self.position + 1]
        if ahead.mark == "/" and isinstance(left[1], int):
            bottom = self.tokens[self.position + 2]
            if _INTEGER.fullmatch(text) and bottom.kind == "num" and bottom.text.isdigit():
                self.jump(self.position + 3)
                numerator, denominator = small_number(text), small_number(bottom.text)
                if 0 < numerator < denominator:
                    return ("n", left[1] + Fraction(numerator, denominator))
            raise Unreadable("two numbers side by side")
        if ahead.mark in {"^", "!"} or ahead.mark in FRACTIONS:
            return ("*", [left, self.power()])
        raise Unreadable("two numbers side by side")

    def is_letter(self) -> bool:
        """Returns whether the current token is one letter; `U` may be a union."""
        kind, text, _, _ = self.token
        return kind == "word" and len(text) == 1 and text != "U"

    def starts_factor(self) -> bool:
        """Returns whether the current token may begin a factor."""
        mark = self.mark
        if mark:
            if mark in _FACTOR_STARTS:
                return True
            return mark in BARS and not self.bars
        return not self.joiner() and not (self.token.kind == "word" and self.token.text == "U")
