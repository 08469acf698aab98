"""The values of powers and roots.

- `power`, `root_of`: of a tree.
- `size`, `plain_size`: absolute values, of something with letters and of a number.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

from mpmath import libmp

from ttrl_env.answers.formula.tree import Node
from ttrl_env.answers.limits import MAX_EXACT_BITS, MAX_EXPONENT, MAX_MAGNITUDE, Unreadable
from ttrl_env.answers.value import numbers
from ttrl_env.answers.value.numbers import (
    DUST,
    INEXACT,
    ZERO,
    Inexact,
    Number,
    Real,
    bits,
    inexact,
    is_exact,
    is_negative,
    is_real,
    less,
    logarithm,
    magnitude,
    modulus,
    multiply,
    tidy,
    whole_root,
)
from ttrl_env.answers.value.points import POSITIVE
from ttrl_env.answers.value.walk import Walk

__all__ = ["plain_size", "power", "root_of", "size"]

_FAINT: Final = -DUST // 2
"""Magnitude below which a power is too close to one to be told from others."""
_LARGEST: Final = numbers.modulus(inexact(MAX_EXPONENT))
_HALF: Final = Fraction(1, 2)
_LARGEST_EXPONENT: Final = 10**9
"""Of an inexact number; each power costs some of them."""


def power(walk: Walk, node: Node) -> Number:
    """Returns the value of a power."""
    if node[1] == ("c", "e"):
        exponent = walk.value(node[2])
        return 1 if exponent == 0 else _power_of_e(walk, node, exponent)
    base, of_letters = walk.watched(node[1])
    exponent, by_letters = walk.watched(node[2])
    if by_letters or (of_letters and not isinstance(exponent, int)):
        walk.state.branchy = True
    return _raise_to(walk, node, base, exponent)


def _power_of_e(walk: Walk, node: Node, exponent: Number) -> Number:
    """Returns e to a power."""
    walk.spend(5)
    exponent = inexact(exponent)
    if less(_LARGEST, modulus(exponent)):
        return walk.opaque(node)
    return tidy(numbers.exponential(exponent))


def _raise_to(walk: Walk, node: Node, base: Number, exponent: Number) -> Number:
    """Returns a power of any kind."""
    if base == 0:
        if not is_exact(exponent) or exponent <= 0:  # type: ignore[operator]
            raise Unreadable("a power of zero")
        return 0
    if isinstance(exponent, int):
        return _whole_power(walk, node, base, exponent)
    if isinstance(exponent, Fraction):
        return _radical(walk, node, base, exponent)
    return _general_power(walk, node, base, exponent)


def _whole_power(walk: Walk, node: Node, base: Number, exponent: int) -> Number:
    """Returns a power with an integer exponent."""
    if exponent == 1:
        return base
    if not isinstance(base, INEXACT):
        if base in {1, -1}:
            return base if exponent % 2 else 1
        if bits(base) * abs(exponent) > MAX_EXACT_BITS:
            return walk.opaque(node)
        if isinstance(base, int) and exponent >= 0:
            return walk.checked_exact(base**exponent)
        return walk.checked_exact(Fraction(base) ** exponent)
    if exponent == 2:
        return tidy(walk.checked(multiply(base, base)))
    walk.spend(exponent.bit_length())
    size_of_power = (abs(magnitude(base)) + 1) * abs(exponent)
    if size_of_power > MAX_MAGNITUDE and not _is_moderate(base, exponent):
        return walk.opaque(node)
    return tidy(numbers.whole_power(base, exponent))


def _general_power(walk: Walk, node: Node, base: Number, exponent: Number) -> Number:
    """Returns a power by way of the logarithm."""
    walk.spend(8)
    product = multiply(logarithm(inexact(base)), inexact(exponent))
    # Close to one, sixty-four digits would not tell one power from another.
    if magnitude(product) < _FAINT or less(_LARGEST, modulus(product)):
        return walk.opaque(node)
    return tidy(numbers.exponential(product))


def root_of(walk: Walk, node: Node) -> Number:
    """Returns the value of a root."""
    if node[1] == ("n", 2) and node[2][0] == "^" and _is_even(node[2][2]):
        # The root of a square is an absolute value, which has no branches.
        inside, varying = walk.watched(node[2][1])
        whole = size(walk, node, inside) if varying else plain_size(inside)
        return _whole_power(walk, node, whole, node[2][2][1] // 2) if whole else 0
    index, in_index = walk.watched(node[1])
    base, in_base = walk.watched(node[2])
    if in_index or in_base:
        walk.state.branchy = True
    if index == 0:
        raise Unreadable("a root without an index")
    if isinstance(index, INEXACT):
        return _raise_to(walk, node, base, walk.quotient(1, index))
    return _radical(walk, node, base, _HALF if index == 2 else 1 / Fraction(index))


def _radical(walk: Walk, node: Node, base: Number, exponent: Fraction) -> Number:
    """Returns a fractional power: real for odd roots of negative numbers, else principal."""
    if base == 0:
        if exponent <= 0:
            raise Unreadable("a power of zero")
        return 0
    top, index = exponent.numerator, exponent.denominator
    if index > 64 or abs(top) > 256:
        if not isinstance(base, INEXACT) and bits(base) > 4096:
            return walk.opaque(node)
        return _general_power(walk, node, base, exponent)
    negative = is_real(base) and is_negative(base)
    positive = walk.product_of(-1, base) if negative else base
    value: Number
    if not isinstance(positive, INEXACT):
        value = _exact_root(walk, positive, index)
    else:
        walk.spend(6)
        value = numbers.root(positive, index)
    if negative:
        if index % 2:
            value = walk.product_of(-1, value)
        elif index == 2:
            value = (ZERO, modulus(inexact(value)))
        else:
            angle = numbers.divide(numbers.pi(), inexact(index))
            value = multiply(inexact(value), numbers.exponential((ZERO, modulus(angle))))
    return _whole_power(walk, node, value, top)


def _exact_root(walk: Walk, value: int | Fraction, index: int) -> Number:
    """Returns the root of a positive rational, exactly where it is rational."""
    top = whole_root(value.numerator, index)
    bottom = 1 if top is None else whole_root(value.denominator, index)
    if top is not None and bottom is not None:
        return top if bottom == 1 else Fraction(top, bottom)
    walk.spend(6 + (bits(value) >> 5))
    return numbers.root(walk.checked(inexact(value)), index)


def size(walk: Walk, node: Node, value: Number) -> Number:
    """Returns the absolute value of something with letters, or what continues it."""
    state = walk.state
    state.bent = True
    if state.kept is not None:
        return walk.product_of(state.kept.get(id(node), 1), value)
    if state.point == POSITIVE:
        state.signs[id(node)] = -1 if is_real(value) and is_negative(value) else 1
    return plain_size(value)


def plain_size(value: Number) -> int | Fraction | Real:
    """Returns the absolute value of a number."""
    if isinstance(value, INEXACT):
        return modulus(value)
    return -value if value < 0 else value


def _is_moderate(base: Inexact, exponent: int) -> bool:
    """Whether a power of a number close to one is neither too large nor without digits."""
    if abs(magnitude(base)) > 10 or abs(exponent) > _LARGEST_EXPONENT:
        return False
    return abs(math.log2(libmp.to_float(modulus(base))) * exponent) <= MAX_MAGNITUDE


def _is_even(node: Node) -> bool:
    return node[0] == "n" and isinstance(node[1], int) and node[1] > 0 and node[1] % 2 == 0
