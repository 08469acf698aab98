"""Exponents, factorials, degrees, and the base of a numeral: what follows an atom.

- `Powers`: reads them.
"""

from __future__ import annotations

from typing import Final

from ttrl_env.answers.formula.functions import Functions
from ttrl_env.answers.formula.tree import HALVES, REALS, Node, letter, negated, small_number
from ttrl_env.answers.limits import MAX_DEPTH, Unreadable

__all__ = ["Powers"]

_POSTFIXES: Final = frozenset({"^", "!", "'", "_", "circ", "degree"})
_ORDINALS: Final = frozenset({"st", "nd", "rd", "th"})
_RAISED_SIGNS: Final = frozenset({"circ", "degree", "prime"})


class Powers(Functions):
    """An atom with what follows it."""

    def power(self) -> Node:
        """Reads an atom with what follows it: exponents, factorials, degrees."""
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
                part = HALVES.get(name.strip("()")) if node == REALS else None
                node = part or ("x", f"{node[1]}_{name}")
            else:
                return node
        raise Unreadable(f"more than {MAX_DEPTH} powers and factorials in a row")

    def degrees(self, node: Node) -> Node:
        """Reads a degree sign, with the scale of a temperature."""
        if self.token.kind in {"word", "text"} and self.token.text.strip() in {"C", "F"}:
            self.take()
        return ("deg", node)

    def raised(self, base: Node) -> Node:
        """Reads the exponent of `base`, whose `^` has been taken."""
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
                return HALVES["+"]
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
        """Reads the power of a matrix or the sign of its transpose."""
        exponent = self.script()
        if exponent != ("x", "T"):
            return ("^", base, exponent)
        if base[0] == "tuple":
            return base
        return ("mat", [list(column) for column in zip(*base[1], strict=True)])

    def based(self) -> Node:
        """Reads the base of a numeral such as `204_5`."""
        numeral = self.tokens[self.position - 2].text
        base = self.subscript().strip("()")
        if not (base.isdigit() and numeral.isdigit() and 2 <= small_number(base) <= 36):
            raise Unreadable("a subscript that is not a base")
        if any(int(digit) >= int(base) for digit in numeral):
            raise Unreadable("a digit outside its base")
        return ("base", numeral.lstrip("0") or "0", int(base))

    def script(self, *, bare: bool = False) -> Node:
        """Reads the argument of `^`: a group, a signed number, or one letter, `bare` or not."""
        mark = self.mark
        if bare and self.token.kind == "word" and self.follows("_") and len(self.token.text) == 1:
            return letter(self.take().text)
        if mark == "-" or mark == "+":
            self.take()
            return negated(self.script()) if mark == "-" else self.script()
        return self.argument(whole_number=True)
