"""The exact form of an expression tree: a quotient of polynomials in its letters.

- `Forms`: the forms of one or more trees.

What is not a polynomial or a quotient of such stands for itself, as one more letter: a sine, an
unknown function. A tree has an exact form if nothing of that kind is left in lowest terms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import factorial
from typing import Any, Final

from ttrl_env.answers.formula.names import letters
from ttrl_env.answers.formula.tree import Node
from ttrl_env.answers.limits import MAX_TERMS, Unreadable
from ttrl_env.answers.value.evaluator import Evaluator
from ttrl_env.answers.value.numbers import (
    INEXACT,
    Number,
    Real,
    multiply,
    simple_fraction,
)
from ttrl_env.answers.value.points import POSITIVE
from ttrl_env.answers.value.rational import Algebra, Form, Generator, TooLarge
from ttrl_env.answers.value.surds import square_free

__all__ = ["Forms"]

_LARGEST_RADICAND: Final = 10**6
_WORK: Final = 4
"""Work, as the evaluator counts it, of a product of two terms."""


class Forms:
    """The exact forms of trees, all of which are in the same generators.

    Args:
        evaluator: The values of what has no letters.
        trees: The trees.
        signs: The signs of what absolute values have inside, by the identity of their trees.

    Raises:
        TooLarge: If one has no exact form, or one that is too large.
    """

    def __init__(
        self, evaluator: Evaluator, trees: Iterable[Node], signs: Mapping[int, int]
    ) -> None:
        self.evaluator = evaluator
        self.signs = signs
        self.uses: Counter[Generator] = Counter()
        plans = [self._plan(tree) for tree in trees]
        # What occurs once and is not a polynomial can't cancel.
        if any(count == 1 and each.kind == "other" for each, count in self.uses.items()):
            raise TooLarge
        self.algebra = algebra = Algebra(list(self.uses))
        try:
            self.forms = [algebra.lowest(self._form(plan)) for plan in plans]
        finally:
            evaluator.spend(_WORK * algebra.products)
        if any("other" in algebra.kinds(form) for form in self.forms):
            raise TooLarge

    # -- first, what a tree is made of

    def _plan(self, node: Node) -> Node:
        """Returns a tree of sums, products, quotients, whole powers, numbers and generators."""
        kind = node[0]
        if kind == "n":
            return node
        if kind == "x":
            return self._generator("letter", node[1])
        if kind in {"+", "*"}:
            return (kind, [self._plan(each) for each in node[1]])
        if kind == "/":
            return self._rational(node) or ("/", self._plan(node[1]), self._plan(node[2]))
        if kind == "c":
            if node[1] == "i":
                return self._generator("unit", "i")
            if node[1] == "inf":
                raise TooLarge
            return self._generator("letter", node[1])
        if kind == "^":
            exponent = self._constant(node[2])
            if isinstance(exponent, int):
                return ("^", self._plan(node[1]), exponent)
        elif kind == "f":
            function = self._function(node)
            if function is not None:
                return function
        elif kind == "deg":
            return self._plan(node[1])
        elif kind == "det":
            return self._plan(_expanded(node[1]))
        return self._other(node)

    def _generator(self, kind: str, name: str) -> Node:
        generator = Generator(kind, name)
        self.uses[generator] += 1
        return ("g", generator)

    def _constant(self, node: Node) -> Number | None:
        """Returns the value of a tree without letters, or None for any other."""
        if node[0] == "n":
            exact: int | Fraction = node[1]
            return exact
        if letters(node):
            return None
        sample = self.evaluator.sample(node, POSITIVE)
        return None if sample.varying else sample.value

    def _rational(self, node: Node) -> Node | None:
        """Returns the number of a tree without letters that is rational, or None."""
        value = self._constant(node)
        if isinstance(value, INEXACT):
            value = simple_fraction(value) if len(value) == 4 else None
        return None if value is None else ("n", value)

    def _function(self, node: Node) -> Node | None:
        """Returns the plan of a function that is a polynomial, or None for any other."""
        name, arguments = node[1], node[2]
        if name == "abs" and id(node) in self.signs:
            return ("*", [("n", self.signs[id(node)]), self._plan(arguments[0])])
        if name == "binom" and len(arguments) == 2:
            count = self._constant(arguments[1])
            if isinstance(count, int) and 0 <= count <= 20 and letters(arguments[0]):
                factors = [("+", [arguments[0], ("n", -each)]) for each in range(count)]
                return ("/", self._plan(("*", factors)), ("n", factorial(count)))
        if name in {"\\sum", "\\prod"}:
            terms = self._terms(node)
            if terms is not None:
                return ("+" if name == "\\sum" else "*", [self._plan(term) for term in terms])
        return None

    def _terms(self, node: Node) -> list[Node] | None:
        """Returns the terms of a sum or a product over a few integers."""
        match node[2]:
            case [body, ("rel", ["="], [("x", name), first]), last]:
                start, stop = self._constant(first), self._constant(last)
                if not isinstance(start, int) or not isinstance(stop, int):
                    return None
                if 0 <= stop - start < MAX_TERMS:
                    self.evaluator.spend(10 * (stop - start))
                    return [_with(body, name, value) for value in range(start, stop + 1)]
        return None

    def _other(self, node: Node) -> Node:
        """Returns a number, a root, or a generator for what is neither."""
        value = self._constant(node)
        if value is None:
            value = self.evaluator.sample(node, POSITIVE).value
            return self._generator("other", repr(value))
        if not isinstance(value, INEXACT):
            return ("n", value)
        if len(value) == 4:
            return self._root(value)
        real, imaginary = value
        unit = self._generator("unit", "i")
        return ("+", [self._root(real), ("*", [unit, self._root(imaginary)])])

    def _root(self, value: Real) -> Node:
        """Returns a number that is rational or the root of a rational number."""
        simple = simple_fraction(value)
        if simple is not None:
            return ("n", simple)
        size = multiply(value, value)
        square = simple_fraction(size) if len(size) == 4 else None
        if square is None:
            return self._generator("other", repr(value))
        outside, radicand = square_free(square.numerator * square.denominator)
        if radicand > _LARGEST_RADICAND:
            raise TooLarge
        factor = Fraction(-outside if value[0] else outside, square.denominator)
        return (
            "*",
            [("n", factor), *(self._generator("radical", str(p)) for p in _primes(radicand))],
        )

    # -- then, its form

    def _form(self, plan: Node) -> Form:
        algebra = self.algebra
        match plan:
            case ("n", value):
                return algebra.number(value)
            case ("g", generator):
                return algebra.generator(generator)
            case ("+", terms):
                total = algebra.number(0)
                for term in terms:
                    total = algebra.add(total, self._form(term))
                return total
            case ("*", factors):
                product = algebra.number(1)
                for factor in factors:
                    product = algebra.multiply(product, self._form(factor))
                return product
            case ("/", top, bottom):
                return algebra.divide(self._form(top), self._form(bottom))
            case ("^", base, exponent):
                return algebra.power(self._form(base), exponent)
        raise Unreadable(f"no form: {plan[0]}")


def _primes(value: int) -> list[int]:
    """Returns the primes of a number without square factors."""
    primes, prime = [], 2
    while prime * prime <= value:
        if value % prime == 0:
            value //= prime
            primes.append(prime)
        prime += 1 + (prime > 2)
    return [*primes, value] if value > 1 else primes


def _with(node: Any, name: str, value: int) -> Any:
    """Returns a tree with a number in the place of a letter."""
    if isinstance(node, tuple):
        if node == ("x", name):
            return ("n", value)
        return tuple(_with(child, name, value) for child in node)
    if isinstance(node, list):
        return [_with(child, name, value) for child in node]
    return node


def _expanded(rows: list[list[Node]]) -> Node:
    """Returns a determinant as a sum of products."""
    if len(rows) > 4 or any(len(row) != len(rows) for row in rows):
        raise TooLarge
    if len(rows) == 1:
        return rows[0][0]
    terms: list[Node] = []
    for column, cell in enumerate(rows[0]):
        rest = [[*row[:column], *row[column + 1 :]] for row in rows[1:]]
        terms.append(("*", [("n", (-1) ** column), cell, _expanded(rest)]))
    return ("+", terms)
