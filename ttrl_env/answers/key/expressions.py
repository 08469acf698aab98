"""The keys of what has a value: constants and functions.

- `Expressions`: computes them, and declares what the other kinds of key ask for.
- `has_kind`, `choose_sign`, `infinity`: what may be asked of a tree.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from ttrl_env.answers.formula.tree import Node
from ttrl_env.answers.key.writing import digest, digits, number_key, real_key
from ttrl_env.answers.limits import Unreadable
from ttrl_env.answers.value.evaluator import Evaluator
from ttrl_env.answers.value.forms import Forms
from ttrl_env.answers.value.numbers import INEXACT, Number, is_close, is_exact, is_real
from ttrl_env.answers.value.points import FAR, NEGATIVE, POSITIVE, SECOND
from ttrl_env.answers.value.rational import Generator, TooLarge

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
        far = self.bends(node, first.signs) if first.bent or second.bent else ""
        if far:
            mark = "f|+:" if branchy else "f|:"
            return f"{mark}{digits(first.value)}|{digits(second.value)}|{far}"
        if is_close(first.value, second.value):
            return self.constant(first.value)
        exact = None if branchy or far is None else self.exact([node], first.signs)
        if exact is not None:
            return exact.algebra.text(exact.forms[0])
        return self.function_key(first.value, second.value, branchy=branchy)

    def exact(self, nodes: list[Node], signs: Mapping[int, int]) -> Forms | None:
        """Returns the exact forms of functions, or None where one has none within the limits."""
        try:
            return Forms(self.evaluator, nodes, signs)
        except (TooLarge, Unreadable, ZeroDivisionError):
            return None

    def zero(self, parts: list[Node], name: str) -> str | None:
        """Returns the letter that makes two functions equal, exactly, or None."""
        exact = self.exact([_difference(parts)], {})
        if exact is None:
            return None
        try:
            found = exact.algebra.solved(exact.forms[0], Generator("letter", name))
        except TooLarge:
            return None
        return None if found is None else exact.algebra.text(found)

    def multiple(self, parts: list[Node], *, signed: bool) -> str | None:
        """Returns the difference of two functions, exactly, up to a constant factor, or None."""
        exact = self.exact([_difference(parts)], {})
        if exact is None:
            return None
        return exact.algebra.text(exact.algebra.scaled(exact.forms[0], signed=signed))

    def bends(self, node: Node, signs: Mapping[int, int]) -> str | None:
        """Returns a digest of a function far from where it is looked at, if its sizes bend it.

        They don't where it goes on as it would with the signs that it has at the first point:
        `|x|^2` is `x^2` everywhere, while `|x+2|` is `x+2` only at the first two points, and
        `ln|x|` is `ln x` only for positive x. None says that it can't be told.
        """
        sample, points = self.evaluator.sample, (*FAR, NEGATIVE)
        try:
            values = [sample(node, point).value for point in points]
            others = [sample(node, point, kept=signs).value for point in points]
        except Unreadable:
            return None
        if all(map(is_close, values, others)):
            return ""
        return digest("|".join(map(digits, values[:-1])))

    def constant(self, value: Number) -> str:
        """Returns the key of a number."""
        if not isinstance(value, INEXACT):
            return number_key(value)
        rounded = self.evaluator.rounded
        if len(value) == 4:
            return real_key(value, rounded=rounded)
        real, imaginary = (real_key(part, rounded=rounded) for part in value)
        return f"({real})+({imaginary})i"

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
        return None if sample.varying or not is_real(sample.value) else sample.value

    def elements(self, item: Node) -> list[str]:
        """Returns the keys of one item of a list: two for a plus-minus."""
        if not self.ambiguous:
            return [self.key(item)]
        if has_kind(item, "pm") and item[0] not in {"tuple", "rel", "list", "set", "mat"}:
            return [self.key(choose_sign(item, 1)), self.key(choose_sign(item, -1))]
        if item[0] == "rel" and has_kind(item, "pm"):
            return [self.key(choose_sign(item, 1)), self.key(choose_sign(item, -1))]
        return [self.key(item)]


def _difference(parts: list[Node]) -> Node:
    left, right = parts
    return ("+", [left, ("*", [("n", -1), right])])
