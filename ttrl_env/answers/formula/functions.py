"""Functions, roots, fractions and other commands with arguments.

- `Functions`: reads them.
"""

from __future__ import annotations

from typing import Final

from ttrl_env.answers.formula.atoms import Atoms
from ttrl_env.answers.formula.tree import Node, negated, product
from ttrl_env.answers.formula.vocabulary import (
    ACCENTS,
    CONSTANTS,
    FRACTIONS,
    FUNCTIONS,
    GREEK,
    HYPERBOLIC,
    SAME_ACCENTS,
    STYLES,
    TRIGONOMETRIC,
)
from ttrl_env.answers.limits import Unreadable

__all__ = ["Functions"]

_INVERTIBLE: Final = frozenset(HYPERBOLIC + TRIGONOMETRIC)
_ARGUMENT_BRACKETS: Final = frozenset({"(", "[", "{", r"\{", "lgroup", "lbrace", "lbrack"})


class Functions(Atoms):
    """What a command does with its arguments."""

    def fraction(self) -> Node:
        """Reads the two arguments of a fraction."""
        self.deeper()
        top = self.argument(whole_number=False)
        bottom = self.argument(whole_number=False)
        self.depth -= 1
        return ("/", top, bottom)

    def function(self, name: str) -> Node:
        """Reads the power, the base and the arguments of a function."""
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
        """Reads the index of a root and what stands under it."""
        index: Node = ("n", 2)
        if self.at("["):
            index = self.bracketed()
        return ("root", index, self.argument(whole_number=True))

    def function_argument(self) -> Node:
        """Reads the argument of a function without brackets: a product up to the next function."""
        sign = self.sign()
        factors = [self.power()]
        while self.starts_factor() and not self.unit_follows(0):
            kind, text, _, mark = self.token
            if kind == "num" or mark in {"(", "[", r"\{"}:
                break
            if kind in {"cmd", "word", "text"} and text.strip() in FUNCTIONS:
                break
            factors.append(self.power())
        node = product(factors)
        return node if sign > 0 else negated(node)

    def command(self, name: str) -> Node:
        """Reads what follows a command."""
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
        """Reads a sum, a product, an integral or a limit with its bounds."""
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
