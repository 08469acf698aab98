r"""The value of an expression tree at a fixed point, exactly where that is possible.

- `Evaluator`: samples of trees at fixed points, within a budget of work.

Letters stand for fixed numbers, derived from their names. What is not computed (unknown
functions, towers of powers, integrals) stands for a fixed number too, derived from the keys of
its parts, so that equal parts stay equal and different ones stay apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from ttrl_env.answers.formula.names import letters
from ttrl_env.answers.formula.tree import Node
from ttrl_env.answers.limits import MAX_TERMS, Unreadable
from ttrl_env.answers.value.functions import BRANCHED, METHODS, PERIODIC, STEPPED, determinant
from ttrl_env.answers.value.numbers import (
    IMAGINARY,
    INEXACT,
    Number,
    e,
    inexact,
    is_exact,
    pi,
    tidy,
)
from ttrl_env.answers.value.points import letter_value
from ttrl_env.answers.value.powers import power, root_of
from ttrl_env.answers.value.walk import NOTHING, Sample, State, Walk

__all__ = ["Evaluator"]

_SERIES: Final = frozenset({"\\sum", "\\prod"})
_SYMMETRIC: Final = frozenset({"max", "min", "gcd", "lcm"})


class Evaluator(Walk):
    """Values of expression trees at one point after another.

    Args:
        key: Returns the key of a subtree, for what is not computed.

    Attributes:
        rounded: Whether a printed float has been met.
    """

    def __init__(self, key: Callable[[Node], str]) -> None:
        super().__init__()
        self.key = key
        self.rounded = False

    def sample(
        self,
        node: Node,
        point: int,
        overrides: Mapping[str, Number] = NOTHING,
        kept: Mapping[int, int] | None = None,
    ) -> Sample:
        """Returns the value of a tree at a point, and what was met there.

        Args:
            node: The tree.
            point: One of the points of `points`.
            overrides: Values for letters that differ from the fixed ones.
            kept: The signs that absolute values keep, instead of those that they have.

        Raises:
            Unreadable: If it has none (a division by zero, a set) or costs too much.
        """
        outside = self.state
        self.state = state = State(point, overrides, kept)
        try:
            value = self.value(node)
        except (ArithmeticError, ValueError) as error:
            raise Unreadable(f"no value: {error}") from error
        finally:
            self.state = outside
        return Sample(value, state.varying, state.branchy, state.bent, state.signs)

    def value(self, node: Node) -> Number:
        """Returns the value of a tree at the current point."""
        kind = node[0]
        if kind == "n":
            exact: int | Fraction = node[1]
            return exact
        self.work += 1
        if kind == "x":
            return self.letter(node[1])
        value = self.value
        if kind == "*":
            return self.product_of(
                *[each[1] if each[0] == "n" else value(each) for each in node[1]]
            )
        if kind == "+":
            return self.sum([each[1] if each[0] == "n" else value(each) for each in node[1]])
        if kind == "/":
            return self.quotient(value(node[1]), value(node[2]))
        if kind == "^":
            return power(self, node)
        if kind == "root":
            return root_of(self, node)
        if kind == "c":
            return self.constant(node[1])
        if kind == "f":
            return self.function(node)
        return self.rare(node)

    def rare(self, node: Node) -> Number:
        """Returns the value of a tree of one of the less common kinds."""
        match node:
            case ("deg", angle):
                value = self.value(angle)
                if self.state.in_degrees:
                    return self.product_of(value, self.constant("pi"), Fraction(1, 180))
                return value
            case ("~", printed):
                self.rounded = True
                return inexact(printed)
            case ("v", computed):
                number: Number = computed
                return number
            case ("set", [only]):
                return self.value(only)
            case ("det", _):
                return determinant(self, node)
        raise Unreadable(f"no number: {node[0]}")

    def letter(self, name: str) -> Number:
        """Returns what a letter stands for."""
        state = self.state
        if state.bound and name in state.bound:
            return state.bound[name]
        state.varying = True
        if state.overrides and name in state.overrides:
            return state.overrides[name]
        return letter_value(name, state.point)

    def constant(self, name: str) -> Number:
        """Returns a named constant."""
        if name == "pi":
            return pi()
        if name == "e":
            return e()
        if name == "i":
            return IMAGINARY
        raise Unreadable(f"no number: {name}")

    def opaque(self, node: Node) -> Number:
        """Returns the fixed number that stands for something not computed."""
        self.spend(5)
        name, arguments = (node[1], node[2]) if node[0] == "f" else (node[0], node[1:])
        state = self.state
        if (state.overrides or state.bound) and letters(node) & {*state.overrides, *state.bound}:
            raise Unreadable("something not computed depends on a letter that takes other values")
        keys = [self.key(argument) for argument in arguments]
        state.varying = True
        if name in _SYMMETRIC:
            keys.sort()
        return letter_value("\0" + name + "\0" + "\0".join(keys), state.point)

    def function(self, node: Node) -> Number:
        """Returns the value of a function, or what stands for it."""
        name, arguments = node[1], node[2]
        self.spend(5)
        if name in _SERIES:
            return self.series(node)
        method = METHODS.get(name)
        if method is None or not arguments:
            return self.opaque(node)
        state = self.state
        degrees, before = state.in_degrees, state.varying
        state.in_degrees, state.varying = name in PERIODIC, False
        values = [self.value(argument) for argument in arguments]
        varying = state.varying
        state.in_degrees, state.varying = degrees, varying or before
        if varying and name in BRANCHED:
            state.branchy = True
        if varying and name in STEPPED and not all(map(is_exact, values)):
            return self.opaque(node)
        result = method(self, node, values)
        return tidy(self.checked(result)) if isinstance(result, INEXACT) else result

    def series(self, node: Node) -> Number:
        """Returns a sum or a product over a few integers, or what stands for it."""
        body, lower, upper = node[2]
        state = self.state
        counted = lower[0] == "rel" and lower[1] == ["="] and lower[2][0][0] == "x"
        if not counted or state.bound:
            return self.opaque(node)
        name = lower[2][0][1]
        if upper[0] == "c":
            return self.opaque(node)  # a series without an end
        start, stop = self.value(lower[2][1]), self.value(upper)
        if not isinstance(start, int) or not isinstance(stop, int):
            return self.opaque(node)
        if not 0 <= stop - start < MAX_TERMS or name in state.overrides:
            return self.opaque(node)
        values = []
        try:
            for number in range(start, stop + 1):
                state.bound = {name: number}
                values.append(self.value(body))
        finally:
            state.bound = {}
        return self.sum(values) if node[1] == "\\sum" else self.product_of(*values)
