r"""A formula as an expression tree.

- `Node`: a tree is nested tuples; the first item of each names its kind.
- `parse`: the tree of a text, or `Unreadable`.
- `is_product`: whether a run of letters is one.
- `REALS`: the tree of the set of all real numbers.

Kinds: `n` (exact number), `~` (a printed float), `x` (letter), `c` (constant), `+` `*` (lists
of operands), `/` `^` `root`, `pm`, `deg`, `f` (function, known or not), `rel`, `ratio`,
`list` (separated answers), `tuple` (with its brackets), `set`, `cup` `cap` `minus`, `mat`,
`base` (a numeral with its base). Later stages add `v` (a computed number). Nothing here computes.
"""

from __future__ import annotations

import re
import string
from fractions import Fraction
from typing import Any, Final, TypeAlias

from ttrl_env.answers.formula.numerals import join_digits, numeral
from ttrl_env.answers.formula.tokens import END, ROW, Token, tokenize
from ttrl_env.answers.formula.vocabulary import (
    ACCENTS,
    BRACKETS,
    CALENDAR,
    CONSTANTS,
    FRACTIONS,
    FUNCTIONS,
    GREEK,
    HYPERBOLIC,
    JOINERS,
    MATRICES,
    PRODUCTS,
    RELATIONS,
    SAME_ACCENTS,
    STYLES,
    TRIGONOMETRIC,
    UNITS,
    WORD_FUNCTIONS,
)
from ttrl_env.answers.limits import (
    MAX_CELLS,
    MAX_CHAIN,
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_DIGITS,
    Unreadable,
)

__all__ = ["REALS", "Node", "is_product", "parse"]

Node: TypeAlias = tuple[Any, ...]

_DOUBLED: Final = re.compile(r"\\\\(?=[A-Za-z]{2,}|[{}%$])")
_TIMES: Final = re.compile(r"(?<=\d) ?[xX] ?(?=10 ?(?:\^|\*\*))")
"""The letter in `3 x 10^8`, which is a sign."""
_ANGLES: Final = re.compile(r"<[^<>=]*,[^<>=]*>")
"""A vector in plain text."""
_INTEGER: Final = re.compile(r"\d+")
_PLAIN_NUMBER: Final = re.compile(r"[-+]?[\d.,\s]+|\([A-Za-z]\)|[A-Za-z]")
_HEDGES: Final = frozenset({"about", "approximately", "roughly", "exactly", "only", "both"})
_LETTER_FUNCTIONS: Final = frozenset("fgh")
_INVERTIBLE: Final = frozenset(HYPERBOLIC + TRIGONOMETRIC)
_ALIGNED: Final = frozenset({"aligned", "align", "alignedat", "gathered"})
_SET_BRACKETS: Final = frozenset({"{", r"\{", "lbrace"})
_SUCH_THAT: Final = frozenset({"|", "mid", "vert", ":"})
_BUILDERS: Final = _SUCH_THAT | {"in"}
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
_POSTFIXES: Final = frozenset({"^", "!", "'", "_", "circ", "degree"})
_ORDINALS: Final = frozenset({"st", "nd", "rd", "th"})
_RAISED_SIGNS: Final = frozenset({"circ", "degree", "prime"})
_REMAINDERS: Final = frozenset({"mod", "bmod", "pmod"})
_BARS: Final = frozenset({"|", "vert", "Vert"})
_REPEATING: Final = frozenset({"overline", "bar", "dot", "("})
_ALTERNATIVES: Final = frozenset({"or", "lor", "vee", "and/or"})
_LETTER_UNITS: Final = frozenset("mgshLWJNVACKFT")
_MARKED: Final = frozenset("\\^_")
"""What makes the content of a style a formula."""
_LAST_UNITS: Final = frozenset({"in", "min", "sec"})
"""Units that are other words, too, unless nothing follows them."""
_TERM_ENDS: Final = frozenset({END, ROW, *"+-,;)]}:&", r"\}", "pm", "mp", *RELATIONS})
_ITEM_ENDS: Final = frozenset({END, ROW, *",;)]}&", r"\}"})
_FACTOR_STARTS: Final = frozenset(
    {"(", "[", "{", r"\{", "...", "ldots", "dots", "cdots", "sqrt", "binom", "dbinom", "tbinom"}
    | {"boxed", "fbox", "begin", "int", "sum", "prod", "lim", "angle", "triangle", "emptyset"}
    | {*FUNCTIONS, *CONSTANTS, *GREEK, *FRACTIONS, *ACCENTS, *BRACKETS, *STYLES}
)
_ARGUMENT_BRACKETS: Final = frozenset({"(", "[", "{", r"\{", "lgroup", "lbrace", "lbrack"})
_BRACKET_FUNCTIONS: Final = {
    "lfloor": "floor",
    "llcorner": "floor",
    "lceil": "ceil",
    "ulcorner": "ceil",
    "lvert": "abs",
    "lVert": "abs",
}
REALS: Final = ("x", "mathbb R")
"""The set of all real numbers, as the parser reads it."""
_COMMON_LETTERS: Final = frozenset("xyznab")
_HALVES: Final[dict[str, Node]] = {
    "+": ("tuple", [("n", 0), ("c", "inf")], "(", ")"),
    ">0": ("tuple", [("n", 0), ("c", "inf")], "(", ")"),
    **{
        sign + "0": ("tuple", [("n", 0), ("c", "inf")], "[", ")")
        for sign in (">=", "ge", "geq", "geqslant")
    },
}
"""Parts of the real numbers, by what is written above or below their sign."""
_ALPHABET: Final = string.ascii_lowercase
_SCALES: Final = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9}


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
    if "10" in text and ("x" in text or "X" in text):
        text = _TIMES.sub(r"\\times ", text)
    if text[:1] == "<" and text[-1] == ">" and _ANGLES.fullmatch(text):
        text = f"\\langle {text[1:-1]}\\rangle"
    text = join_digits(text)
    return _Parser(tokenize(text)).answer()


class _Parser:
    """Recursive descent over a list of tokens; `depth` bounds the recursion."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.depth = 0
        self.bars = 0
        self.jump(0)

    # -- moving over tokens

    def jump(self, position: int) -> None:
        """Make the token at a position the current one."""
        self.position = position
        self.token = self.tokens[position]
        self.mark = self.token.mark

    def take(self) -> Token:
        """Return the current token and move to the next."""
        if self.mark is END:
            raise Unreadable("an unfinished formula")
        token = self.token
        self.position = position = self.position + 1
        self.token = now = self.tokens[position]
        self.mark = now.mark
        return token

    def replace(self, *tokens: Token) -> None:
        """Put other tokens in the place of the current one."""
        self.tokens[self.position : self.position + 1] = tokens
        self.jump(self.position)

    def at(self, *texts: str) -> bool:
        return self.mark in texts

    def follows(self, mark: str) -> bool:
        """Whether the token after the current one has a mark."""
        return self.token.mark is not END and self.tokens[self.position + 1].mark == mark

    def expect(self, text: str) -> None:
        if self.mark != text:
            raise Unreadable(f"expected {text!r}, found {self.token.text!r}")
        self.take()

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"nested more than {MAX_DEPTH} deep")

    def joiner(self) -> str:
        """Return the word between two answers that the current token is, or nothing."""
        token = self.token
        if token.kind == "word":
            return token.text if token.text in {"and", "or"} else ""
        if token.kind == "text":
            word = token.text.strip(" .,;~").lower()
            return (
                word if word in {"and", "or", "and/or"} else "," if token.text and not word else ""
            )
        return self.mark if self.mark in JOINERS and token.kind == "cmd" else ""

    # -- lists of statements

    def answer(self) -> Node:
        groups = self.groups(END)
        if len(groups) == 1 and len(groups[0]) == 1 and self.mark is END:
            return groups[0][0]
        if self.mark is not END:
            raise Unreadable(f"unexpected {self.token.text!r}")
        if len(groups) > 1 and any(len(group) > 1 for group in groups):
            return ("list", [_listed(group) for group in groups])
        return _listed([item for group in groups for item in group])

    def groups(self, *closers: str) -> list[list[Node]]:
        """Parse statements up to a closer; `;` starts a new group, `,` and words a new item."""
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
            if alternative and group and _is_inequality(item) and _is_inequality(group[-1]):
                item = ("cup", group.pop(), item)
            group.append(item)
            separated = alternative = False

    def items(self, *closers: str) -> list[Node]:
        groups = self.groups(*closers)
        return groups[0] if len(groups) == 1 else [item for group in groups for item in group]

    def statement(self) -> Node:
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
            return first if first[0] != "*" else _named_point(first)
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
        """Read `p(x)` before an equals sign: a name, where it would be a product elsewhere."""
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
        """Read a ratio, the first sum of which has been read."""
        node = self.set_expression(first)
        if self.mark != ":":
            return node
        parts = [node]
        while self.mark == ":":
            self.take()
            parts.append(self.set_expression(self.sum()))
        return ("ratio", parts)

    def set_expression(self, node: Node) -> Node:
        """Read unions and other operations on sets, after the first set."""
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
                terms.append(_negated(self.term()))
            else:
                terms.append(self.signed_variant())
            mark = self.mark
        if first == REALS and len(terms) == 2:
            other = terms[1]
            if other[0] == "*" and other[1][0] == ("n", -1) and other[1][1][0] in {"set", "tuple"}:
                return ("minus", first, other[1][1])
        return ("+", terms)

    def signed_variant(self) -> Node:
        sign = 1 if self.take().text == "pm" else -1
        return ("pm", sign, self.term())

    def sign(self) -> int:
        sign = 1
        while True:
            if self.mark == "-":
                sign = -sign
            elif self.mark != "+":
                return sign
            self.take()

    def signed_power(self) -> Node:
        sign = self.sign()
        node = self.power()
        return node if sign > 0 else _negated(node)

    def term(self) -> Node:
        sign = self.sign() if self.mark in _SIGNS else 1
        last = self.power()
        if self.mark in _TERM_ENDS:
            return last if sign > 0 else _negated(last)
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
                divided = _fraction(factors, divisors)
                if sign < 0:
                    sign, divided = 1, _negated(divided)
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
                factors, divisors = [self.scaled(_fraction(factors, divisors))], []
            elif self.starts_factor():
                last = self.power()
                factors.append(last)
            else:
                break
        node = _fraction(factors, divisors)
        return node if sign > 0 else _negated(node)

    def number_after_number(self, left: Node) -> Node:
        """Read what follows a number: a mixed number, or a product such as `2^6 3^5`."""
        text = self.token.text
        ahead = self.tokens[self.position + 1]
        if ahead.mark == "/" and isinstance(left[1], int):
            bottom = self.tokens[self.position + 2]
            if _INTEGER.fullmatch(text) and bottom.kind == "num" and bottom.text.isdigit():
                self.jump(self.position + 3)
                numerator, denominator = _small(text), _small(bottom.text)
                if 0 < numerator < denominator:
                    return ("n", left[1] + Fraction(numerator, denominator))
            raise Unreadable("two numbers side by side")
        if ahead.mark in {"^", "!"} or ahead.mark in FRACTIONS:
            return ("*", [left, self.power()])
        raise Unreadable("two numbers side by side")

    def is_letter(self) -> bool:
        """Whether the current token is one letter; `U` may be a union."""
        kind, text, _, _ = self.token
        return kind == "word" and len(text) == 1 and text != "U"

    def starts_factor(self) -> bool:
        mark = self.mark
        if mark:
            if mark in _FACTOR_STARTS:
                return True
            return mark in _BARS and not self.bars
        return not self.joiner() and not (self.token.kind == "word" and self.token.text == "U")

    # -- units

    def unit_after(self, factors: list[Node]) -> bool:
        """Whether the current word or text is a unit of the factors before it."""
        token = self.token
        if token.kind == "word" and len(token.text) < 2:
            return False
        return self.unit_follows(0, known_only=_has_letters(factors))

    def unit_follows(self, offset: int, *, known_only: bool = False) -> bool:
        """Whether a unit stands `offset` tokens ahead: a known one, or any words to the end."""
        token = self.tokens[self.position + offset]
        if token.kind == "op":
            return token.text == "%"
        if token.kind == "text":
            word = token.text.strip()
            if word.lower() in CALENDAR:
                return False
            if len(word) < 2:
                return word in _LETTER_UNITS
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
        """Skip the units after a quantity; `million` and its like multiply it."""
        scale = _SCALES.get(self.token.text.strip().lower())
        self.skip_units()
        return node if scale is None else ("*", [node, ("n", scale)])

    def skip_units(self) -> None:
        while self.unit_follows(0):
            self.take()
            if self.mark == "^":
                self.take()
                self.script()
            while self.mark == "/" and self.tokens[self.position + 1].kind in {"word", "text"}:
                self.take()
                self.take()

    # -- powers and atoms

    def power(self) -> Node:
        node = self.atom()
        if self.mark not in _POSTFIXES:
            return node
        for _ in range(MAX_DEPTH):
            mark = self.mark
            if mark not in _POSTFIXES:
                return node
            if mark == "^":
                self.take()
                node = self.raised(node)
            elif mark == "circ" or mark == "degree":
                self.take()
                node = self.degrees(node)
            elif mark == "!":
                marks = 0
                while self.mark == "!":
                    self.take()
                    marks += 1
                if marks > 8:
                    raise Unreadable("too many factorials")
                node = ("f", "!" * marks, [node])
            elif mark == "'" and node[0] == "x":
                self.take()
                node = ("x", node[1] + "'")
            elif mark == "_" and node[0] == "n":
                self.take()
                node = self.based()
            elif mark == "_" and node[0] == "x":
                self.take()
                name = self.subscript()
                part = _HALVES.get(name.strip("()")) if node == REALS else None
                node = part or ("x", f"{node[1]}_{name}")
            else:
                return node
        raise Unreadable(f"more than {MAX_DEPTH} powers and factorials in a row")

    def degrees(self, node: Node) -> Node:
        """Read a degree sign, with the scale of a temperature."""
        if self.token.kind in {"word", "text"} and self.token.text.strip() in {"C", "F"}:
            self.take()
        return ("deg", node)

    def raised(self, base: Node) -> Node:
        """Read the exponent of `base`, whose `^` has been taken."""
        mark = self.mark
        if mark == "circ" or mark == "degree":
            self.take()
            return self.degrees(base)
        if mark == "{":
            inside = self.tokens[self.position + 1].text
            if inside in _RAISED_SIGNS and self.tokens[self.position + 2].text == "}":
                if inside != "prime":
                    self.jump(self.position + 3)
                    return self.degrees(base)
                if base[0] == "x":
                    self.jump(self.position + 3)
                    return ("x", base[1] + "'")
            if (
                inside in _ORDINALS
                and base[0] == "n"
                and self.tokens[self.position + 2].mark == "}"
            ):
                self.jump(self.position + 3)
                return base
        kind = base[0]
        if kind == "mat" or kind == "tuple":
            return self.transposed(base)
        if kind == "x" and base == REALS:
            ahead = [token.text for token in self.tokens[self.position :][:3]]
            if mark == "+" or ahead == ["{", "+", "}"]:
                self.jump(self.position + (1 if mark == "+" else 3))
                return _HALVES["+"]
        self.deeper()
        # In `x^n_i` the subscript is that of x, in `2^x_1` that of the exponent.
        exponent = self.script(bare=kind == "x")
        if self.mark == "^":
            self.take()
            exponent = self.raised(exponent)
        self.depth -= 1
        if base[0] == "x" and self.mark == "_":
            self.take()
            base = ("x", f"{base[1]}_{self.subscript()}")
        return ("^", base, exponent)

    def transposed(self, base: Node) -> Node:
        """Read the power of a matrix or the sign of its transpose."""
        exponent = self.script()
        if exponent != ("x", "T"):
            return ("^", base, exponent)
        if base[0] == "tuple":
            return base
        return ("mat", [list(column) for column in zip(*base[1], strict=True)])

    def based(self) -> Node:
        """Read the base of a numeral such as `204_5`."""
        numeral = self.tokens[self.position - 2].text
        base = self.subscript().strip("()")
        if not (base.isdigit() and numeral.isdigit() and 2 <= _small(base) <= 36):
            raise Unreadable("a subscript that is no base")
        if any(int(digit) >= int(base) for digit in numeral):
            raise Unreadable("a digit outside its base")
        return ("base", numeral.lstrip("0") or "0", int(base))

    def subscript(self) -> str:
        """Return a subscript as a name: its tokens without braces and spaces."""
        kind, text, _, mark = self.token
        if mark != "{":
            if kind in {"num", "word", "cmd", "text"}:
                self.take()
                return text.strip()
            raise Unreadable("an empty subscript")
        self.take()
        depth = 1
        names: list[str] = []
        while True:
            text = self.take().text
            depth += (text == "{") - (text == "}")
            if depth > MAX_DEPTH:
                raise Unreadable(f"nested more than {MAX_DEPTH} deep")
            if not depth:
                return "".join(names) if len(names) < 2 else f"({''.join(names)})"
            if text not in {"{", "}"}:
                names.append(text.strip())

    def script(self, *, bare: bool = False) -> Node:
        """Read the argument of `^`: a group, a signed number, or one letter, `bare` or not."""
        mark = self.mark
        if bare and self.token.kind == "word" and self.follows("_") and len(self.token.text) == 1:
            return _letter(self.take().text)
        if mark == "-" or mark == "+":
            self.take()
            return _negated(self.script()) if mark == "-" else self.script()
        return self.argument(whole_number=True)

    def argument(self, *, whole_number: bool) -> Node:
        """Read the argument of a command: a group, one digit or a number, one letter."""
        kind, text, _, mark = self.token
        if mark == "{":
            return self.bracketed()
        if kind == "num" and not whole_number and len(text) > 1 and text.isdigit():
            self.replace(Token("num", text[1:], spaced=False))
            return ("n", int(text[0]))
        if kind == "word" and len(text) == 1 and not whole_number and not self.follows("_"):
            return _letter(self.take().text)  # in `\\frac n2` the digit is no index
        if kind == "word" and len(text) > 1 and text not in CONSTANTS:
            self.replace(Token("word", text[1:], spaced=False))
            return _letter(text[0])
        if kind == "op" and mark not in {"(", "[", "|", r"\{"}:
            raise Unreadable(f"unexpected {text!r}")
        return self.atom()

    def atom(self) -> Node:
        kind, text, _, mark = self.token
        if kind == "num":
            return self.number()
        if kind == "word":
            return self.word()
        if mark in BRACKETS:
            return self.bracketed()
        if mark in _BARS:
            return self.absolute(mark)
        if kind == "cmd" or mark == "...":
            self.take()
            return self.command(text)
        if kind == "text":
            return self.styled()
        raise Unreadable(f"unexpected {text!r}" if text else "an unfinished formula")

    def number(self) -> Node:
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
        r"""Read the repeating digits after `0.1` in `0.1\overline{6}`."""
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
        scale = 10 ** len(fixed)
        value = Fraction(int(whole + fixed or "0"), scale)
        return ("n", value + Fraction(int(digits), scale * (10 ** len(digits) - 1)))

    def word(self) -> Node:
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
        return _letter(text[0])

    def letter(self, name: str) -> Node:
        """Read a letter with its subscript, its primes and, for f, g and h, its arguments."""
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
        return _letter(name)

    def letter_function(self, name: str) -> Node | None:
        """Read the arguments of f, g or h, of its inverse, or as sympy prints them: `f{(x)}`."""
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
        r"""Read `\text{...}` and its like where a factor is expected."""
        content = self.take().text.strip()
        if content in FUNCTIONS:
            return self.function(FUNCTIONS[content])
        if len(content) == 1 and content.isalpha():
            return self.letter(content)
        if content and _PLAIN_NUMBER.fullmatch(content):
            self.tokens[self.position : self.position] = tokenize(content)[:-1]
            self.jump(self.position)
            return self.signed_power()
        if not _MARKED.isdisjoint(content):
            self.tokens[self.position : self.position] = tokenize("{" + content + "}")[:-1]
            self.jump(self.position)
            return self.bracketed()
        if content.lower() in CALENDAR:
            raise Unreadable("a time of day")
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
        simple = self.simple_group()
        if simple is not None:
            return simple
        opening = self.take().text
        self.deeper()
        bars, self.bars = self.bars, 0
        closers = [BRACKETS[opening]]
        if opening in {"(", "["}:
            closers = [")", "]"]
        elif (
            self.token.kind == "word"
            and self.tokens[self.position + 1].mark in _BUILDERS
            and opening in _SET_BRACKETS
            and self.is_builder(closers[0])
        ):
            opening = "builder"
        items = self.items(*closers)
        closing = self.take().text
        if closing not in closers:
            raise Unreadable("an open bracket")
        self.bars = bars
        self.depth -= 1
        if opening in _BRACKET_FUNCTIONS:
            return ("f", _BRACKET_FUNCTIONS[opening], items)
        if opening == "builder":
            return _listed(items)
        if opening in {r"\{", "lbrace"}:
            return ("set", items)
        if not items:
            raise Unreadable("empty brackets")
        if opening in {"{", "lgroup", "lbrack"} and len(items) > 1:
            return ("set", items) if opening == "{" else ("tuple", items, "(", ")")
        if len(items) == 1 and closing == BRACKETS[opening]:
            return items[0]
        return (
            "tuple",
            items,
            opening if opening == "[" else "(",
            closing if closing == "]" else ")",
        )

    def is_builder(self, closer: str) -> bool:
        r"""Skip the head of `\{x \mid x < 2\}` or `\{x \in \mathbb{R} : x < 2\}`, if it is one."""
        start = self.position
        if len(self.take().text) == 1:
            if self.mark == "in":
                ahead = [token.text for token in self.tokens[self.position + 1 :][:4]]
                # The tokens themselves: a set that is read and given up would be read twice.
                if ahead != ["mathbb", "{", "R", "}"]:
                    self.jump(start)
                    return False
                self.jump(self.position + 5)
            if self.mark in _SUCH_THAT and not self.follows(closer):
                self.take()
                return True
        self.jump(start)
        return False

    def simple_group(self) -> Node | None:
        """Read `{2}` or `{x}`, which most groups are, without going through all levels."""
        if self.mark != "{":
            return None
        position = self.position + 1
        kind, text, _, _ = self.tokens[position]
        if kind not in {"num", "word"} or self.tokens[position + 1].mark != "}":
            return None
        if kind == "num" and text.isdigit() and len(text) <= MAX_DIGITS:
            self.jump(position + 2)
            return ("n", int(text))
        if kind == "word" and len(text) == 1:
            self.jump(position + 2)
            return _letter(text)
        return None

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
            if self.mark == "^":
                self.take()
                power = self.script()
            elif self.mark == "_":
                self.take()
                base = self.script()
        token = self.token
        if name == "log" and token.kind == "num" and not token.spaced and self.follows("("):
            base = self.number()
        if name == "sqrt":
            node = self.root()
        else:
            if self.mark in _ARGUMENT_BRACKETS:
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
            kind, text, _, mark = self.token
            if kind == "num" or mark in {"(", "[", r"\{"}:
                break
            if kind in {"cmd", "word", "text"} and text.strip() in FUNCTIONS:
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
        if name in {"boxed", "fbox"} or name in STYLES:
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
        if name in {"top", "intercal"}:
            return ("x", "T")
        if name in {"...", "ldots", "dots", "cdots", "dotsc", "vdots"}:
            return ("x", "...")
        if name in ACCENTS:
            return ("x", f"{SAME_ACCENTS.get(name, name)} {self.subscript()}")
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
                upper = self.script(bare=True)
        body = self.term()
        self.depth -= 1
        return ("f", f"\\{name}", [body, lower, upper])

    def without_marks(self) -> None:
        """Remove the marks by which the rows of an environment are aligned."""
        position = self.position
        while self.tokens[position].mark not in {"end", END}:
            if self.tokens[position].mark == "&":
                del self.tokens[position]
            else:
                position += 1
        self.jump(self.position)

    def environment(self) -> Node:
        self.expect("{")
        name = self.take().text
        if self.at("*"):
            self.take()
        self.expect("}")
        if name not in MATRICES and name != "cases" and name not in _ALIGNED:
            raise Unreadable(f"the environment {name!r}")
        self.deeper()
        if name == "array":
            self.subscript()
        elif name in _ALIGNED:
            self.without_marks()
        rows: list[list[Node]] = [[]]
        cells = 0
        while not self.at("end"):
            if self.mark is ROW:
                self.take()
                rows.append([])
            elif self.at("&") or self.at(","):
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


def _named_point(node: Node) -> Node:
    """Return `P(1,2)` as a point with a name, and any other product as it is."""
    factors = node[1]
    name, point = factors[0], factors[-1]
    if len(factors) == 2 and point[0] == "tuple" and name[0] == "x" and name[1][0].isupper():
        return ("rel", ["="], factors)
    return node


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


def _has_letters(node: Any) -> bool:
    if isinstance(node, tuple):
        return bool(node) and (
            node[0] == "x" or node == ("c", "i") or any(map(_has_letters, node[1:]))
        )
    return isinstance(node, list) and any(map(_has_letters, node))


def _is_inequality(node: Node) -> bool:
    return node[0] in {"rel", "cup"} and (node[0] == "cup" or not {"=", "~"} & set(node[1]))


def _fraction(factors: list[Node], divisors: list[Node]) -> Node:
    if not divisors:
        return _product(factors)
    return ("/", _product(factors), _product(divisors))


def _listed(items: list[Node]) -> Node:
    if not items:
        raise Unreadable("nothing")
    return items[0] if len(items) == 1 else ("list", items)


def is_product(word: str) -> bool:
    """Whether a run of letters reads as a product (`abx`, `xsin`, `lnx`), not as a word.

    >>> is_product("xy"), is_product("east"), is_product("sinx"), is_product("sister")
    (True, False, True, False)
    """
    if len(word) < 4 or word.isupper() or len(set(word)) == 1 or word in _ALPHABET:
        return True
    for name in ("sin", "cos", "tan", "sqrt", "exp", "log", "ln", "pi"):
        if word.endswith(name) and len(word) - len(name) <= 2:
            return True
        if word.startswith(name) and word[len(name) :] in _COMMON_LETTERS:
            return True
    return False
