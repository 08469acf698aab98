"""The keys of what has a value: constants and functions.

- `Expressions`: computes them, and declares what the other kinds of key ask for.
- `has_kind`, `choose_sign`, `infinity`: what may be asked of a tree.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Any, Final

from ttrl_env.answers.formula.tree import Node
from ttrl_env.answers.key.writing import digest, digits, number_key, real_key
from ttrl_env.answers.limits import Unreadable
from ttrl_env.answers.value.evaluator import Evaluator
from ttrl_env.answers.value.numbers import Complex, Number, is_close, is_exact
from ttrl_env.answers.value.points import FAR, NEGATIVE, POSITIVE, SECOND
from ttrl_env.answers.value.walk import Sample

__all__ = [
    "EXPRESSIONS",
    "INFINITY",
    "MINUS_INFINITY",
    "Expressions",
    "choose_sign",
    "has_kind",
    "infinity",
]

EXPRESSIONS: Final = frozenset({"n", "~", "x", "c", "+", "*", "/", "^", "root", "f", "deg", "v"})
"""The kinds of trees that have values."""
INFINITY: Final = ("c", "inf")
MINUS_INFINITY: Final = ("*", [("n", -1), INFINITY])


def has_kind(node: Any, kind: str) -> bool:
    """Whether a node of a kind stands in a tree."""
    if isinstance(node, tuple):
        if not node or node[0] == kind:
            return bool(node)
    elif not isinstance(node, list):
        return False
    for child in node:  # noqa: SIM110 - a loop is faster than a generator here, and this is hot
        if isinstance(child, (tuple, list)) and has_kind(child, kind):
            return True
    return False


def choose_sign(node: Any, sign: int) -> Any:
    """Returns a tree with every plus-minus decided."""
    if isinstance(node, tuple):
        if node and node[0] == "pm":
            return ("*", [("n", sign * node[1]), choose_sign(node[2], sign)])
        return tuple(choose_sign(child, sign) for child in node)
    if isinstance(node, list):
        return [choose_sign(child, sign) for child in node]
    return node


def infinity(node: Node) -> str | None:
    """Returns the key of an infinite end of an interval, or None for any other tree."""
    if node == INFINITY:
        return "inf"
    return "-inf" if node == MINUS_INFINITY else None


class Expressions(ABC):
    """The keys of constants and functions.

    Args:
        ambiguous: Whether there is a plus-minus in the tree.
    """

    def __init__(self, *, ambiguous: bool) -> None:
        self.ambiguous = ambiguous
        self.evaluator = Evaluator(self.key)

    @abstractmethod
    def key(self, node: Node) -> str:
        """Returns the key of any tree."""

    def is_expression(self, node: Node) -> bool:
        """Whether a tree has one value at every point."""
        return node[0] in EXPRESSIONS and not (self.ambiguous and has_kind(node, "pm"))

    def expression(self, node: Node) -> str:
        """Returns the key of a tree that has values: a constant or a function."""
        sample = self.evaluator.sample
        first = sample(node, POSITIVE)
        if not first.varying:
            return self.constant(first.value)
        branchy = first.branchy
        second = sample(node, SECOND if branchy and not is_exact(first.value) else NEGATIVE)
        if (first.bent or second.bent) and not branchy:
            far = self.bends(node, first, second.value)
            if far:
                return f"f|:{digits(first.value)}|{digits(second.value)}|{far}"
        return self.function_key(first.value, second.value, branchy=branchy)

    def bends(self, node: Node, first: Sample, second: Number) -> str:
        """Returns a digest of a function far from where it is looked at, if its sizes bend it.

        They don't where it goes on as it would with the signs that it has at the first point:
        `|x|^2` is `x^2` everywhere, while `|x+2|` is `x+2` only at the first two points.
        """
        sample, signs = self.evaluator.sample, first.signs
        try:
            values = [sample(node, point).value for point in FAR]
            others = [sample(node, point, kept=signs).value for point in (*FAR, NEGATIVE)]
        except Unreadable:
            return ""
        if all(map(is_close, [*values, second], others)):
            return ""
        return digest("|".join(map(digits, values)))

    def constant(self, value: Number) -> str:
        """Returns the key of a number."""
        if isinstance(value, Complex):
            return f"({real_key(value.real)})+({real_key(value.imag)})i"
        return real_key(value) if isinstance(value, Decimal) else number_key(value)

    def function_key(self, first: Number, second: Number, *, branchy: bool) -> str:
        """Returns the key of a function by its values at two points."""
        if is_close(first, second):
            return self.constant(first)
        return f"f{'+' if branchy else ''}:{digits(first)}|{digits(second)}"

    def real(self, node: Node) -> Number | None:
        """Returns the value of a tree, or None if it isn't a real constant."""
        if not self.is_expression(node):
            return None
        sample = self.evaluator.sample(node, POSITIVE)
        return None if sample.varying or isinstance(sample.value, Complex) else sample.value

    def elements(self, item: Node) -> list[str]:
        """Returns the keys of one item of a list: two for a plus-minus."""
        if not self.ambiguous:
            return [self.key(item)]
        if has_kind(item, "pm") and item[0] not in {"tuple", "rel", "list", "set", "mat"}:
            return [self.key(choose_sign(item, 1)), self.key(choose_sign(item, -1))]
        if item[0] == "rel" and has_kind(item, "pm"):
            return [self.key(choose_sign(item, 1)), self.key(choose_sign(item, -1))]
        return [self.key(item)]
