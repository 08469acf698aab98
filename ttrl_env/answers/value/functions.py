"""The values of functions, by name.

- `METHODS`: for each name, the function that computes its value.
- `determinant`: of a small matrix.
- `PERIODIC`, `BRANCHED`, `STEPPED`: kinds of functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from ttrl_env.answers.formula.names import letters
from ttrl_env.answers.formula.tree import Node
from ttrl_env.answers.formula.vocabulary import HYPERBOLIC, TRIGONOMETRIC
from ttrl_env.answers.limits import MAX_ARGUMENT, MAX_FACTORIAL, Unreadable
from ttrl_env.answers.value.elementary import ELEMENTARY
from ttrl_env.answers.value.numbers import (
    DUST,
    INEXACT,
    Number,
    bits,
    fraction_of,
    inexact,
    is_close,
    is_real,
    less,
    logarithm,
    magnitude,
    modulus,
)
from ttrl_env.answers.value.powers import plain_size, size
from ttrl_env.answers.value.walk import Walk

__all__ = ["BRANCHED", "METHODS", "PERIODIC", "STEPPED", "determinant"]

_LARGEST_WHOLE: Final = 70
"""Magnitude of what is rounded to an integer."""


def _elementary(walk: Walk, node: Node, values: list[Number]) -> Number:
    """Returns the value of a trigonometric or hyperbolic function."""
    if len(values) != 1:
        return walk.opaque(node)
    argument = inexact(values[0])
    if less(MAX_ARGUMENT, modulus(argument)):
        return walk.opaque(node)
    result = ELEMENTARY[node[1]](argument)
    return 0 if magnitude(result) < -DUST else result


def _natural_logarithm(walk: Walk, node: Node, values: list[Number]) -> Number:
    """Returns the principal logarithm."""
    if len(values) != 1:
        return walk.opaque(node)
    if values[0] == 0:
        raise Unreadable("a logarithm of zero")
    return 0 if values[0] == 1 else logarithm(inexact(values[0]))


def _absolute(walk: Walk, node: Node, values: list[Number]) -> Number:
    """Returns an absolute value."""
    if len(values) != 1:
        return walk.opaque(node)
    return size(walk, node, values[0]) if letters(node[2]) else plain_size(values[0])


def _whole(walk: Walk, node: Node, values: list[Number]) -> Number:
    """Returns a floor or a ceiling."""
    if len(values) != 1:
        return walk.opaque(node)
    (value,) = values
    if isinstance(value, INEXACT):
        if len(value) == 2 or magnitude(value) > _LARGEST_WHOLE:
            return walk.opaque(node)
        exact = fraction_of(value)
        value = round(exact) if is_close(value, round(exact)) else exact
    return math.floor(value) if node[1] == "floor" else math.ceil(value)


def _factorial(walk: Walk, node: Node, values: list[Number]) -> Number:
    """Returns a factorial, or one that leaves out every second or third factor."""
    (value,) = values
    marks = len(node[1]) if node[1].startswith("!") else 1
    if not isinstance(value, int) or value < 0 or value > MAX_FACTORIAL:
        return walk.opaque(node)
    if marks == 1:
        walk.spend(1 + value)
        return walk.checked_exact(math.factorial(value))
    walk.spend(1 + value)
    return walk.checked_exact(math.prod(range(value, 0, -marks)))


def _binomial(walk: Walk, node: Node, values: list[Number]) -> Number:
    """Returns a binomial coefficient; of a letter, as a polynomial."""
    n, k = values if len(values) == 2 else (0, -1)
    if not isinstance(k, int):
        return walk.opaque(node)
    if isinstance(n, int) and 0 <= n <= MAX_FACTORIAL and k >= 0:
        walk.spend(1 + n)
        return walk.checked_exact(math.comb(n, k))
    if not 0 <= k <= 20:
        return walk.opaque(node)
    factors = [walk.sum([n, -each]) for each in range(k)]
    return walk.quotient(walk.product_of(*factors), math.factorial(k))


def _integers(walk: Walk, node: Node, values: list[Number]) -> Number:
    """Returns a greatest common divisor, a least common multiple or a remainder."""
    whole = [value for value in values if isinstance(value, int)]
    if len(whole) < len(values):
        return walk.opaque(node)
    walk.spend(sum(map(bits, whole)) >> 4)
    if node[1] == "mod":
        if len(whole) != 2 or not whole[1]:
            return walk.opaque(node)
        return whole[0] % whole[1]
    return math.gcd(*whole) if node[1] == "gcd" else walk.checked_exact(math.lcm(*whole))


def _extreme(walk: Walk, node: Node, values: list[Number]) -> Number:
    """Returns the largest or the smallest of some numbers."""
    if not all(map(is_real, values)):
        return walk.opaque(node)
    walk.state.bent = True
    pick = max if node[1] == "max" else min
    return pick(values, key=fraction_of)  # type: ignore[arg-type]


def determinant(walk: Walk, node: Node) -> Number:
    """Returns the determinant of a small matrix."""
    rows = [[walk.value(cell) for cell in row] for row in node[1]]
    if len(rows) != len(rows[0]) or len(rows) > 4:
        raise Unreadable("no small square matrix")
    return _minor(walk, rows)


def _minor(walk: Walk, rows: list[list[Number]]) -> Number:
    """Returns a determinant by its first row."""
    if len(rows) == 1:
        return rows[0][0]
    terms = []
    for column, cell in enumerate(rows[0]):
        rest = [[*row[:column], *row[column + 1 :]] for row in rows[1:]]
        terms.append(walk.product_of((-1) ** column, cell, _minor(walk, rest)))
    return walk.sum(terms)


PERIODIC: Final = frozenset({*TRIGONOMETRIC, "cis"})
BRANCHED: Final = frozenset({"ln", *("a" + name for name in TRIGONOMETRIC + HYPERBOLIC)})
STEPPED: Final = frozenset(
    {"floor", "ceil", "gcd", "lcm", "mod", "max", "min", "factorial", "!", "!!", "!!!", "sign"}
)
METHODS: Final[dict[str, Callable[[Walk, Node, list[Number]], Number]]] = {
    **dict.fromkeys(ELEMENTARY, _elementary),
    "ln": _natural_logarithm,
    "abs": _absolute,
    "floor": _whole,
    "ceil": _whole,
    **{"!" * marks: _factorial for marks in range(1, 4)},
    "factorial": _factorial,
    "binom": _binomial,
    "gcd": _integers,
    "lcm": _integers,
    "mod": _integers,
    "max": _extreme,
    "min": _extreme,
}
