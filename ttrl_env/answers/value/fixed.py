r"""Roots, powers of e, logarithms and sines of sixty digits, computed in integers.

- `power_of_e`, `logarithm`, `square_root`: of a `Decimal`.
- `alternating`: the series that sines and cosines share.

`decimal` has the first three, correctly rounded, but takes two to nine times as long over them.
A number is the integer next to its multiple of 2 ** 240, which leaves twelve digits beyond the
sixty of the context that all of this expects. What that does not suit is left to `decimal`.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

__all__ = ["alternating", "logarithm", "power_of_e", "square_root"]

_BITS: Final = 240
_ONE: Final = 1 << _BITS
_PLACES: Final = 74
_SCALE: Final = 10**_PLACES
_LN_10: Final = (
    230258509299404568401799145468436420760110148862877297603332790096757260967735 << _BITS
) // 10**77
_HALVINGS: Final = 12
_LARGEST_POWER: Final = 4096
_NEAR_ONE: Final = (Decimal("0.99"), Decimal("1.01"))


def _fixed(value: Decimal) -> int:
    return (int(value.scaleb(_PLACES)) << _BITS) // _SCALE


def _decimal(fixed: int, exponent: int = 0) -> Decimal:
    """Return a number times a power of ten, rounded by the context."""
    return Decimal(fixed * _SCALE >> _BITS).scaleb(exponent - _PLACES)


def _power_of_e(fixed: int) -> int:
    """Return e to a power from 0 to about 2.3, by the series of a small part of it."""
    part = fixed >> _HALVINGS
    total, term, n = _ONE + part, part, 2
    while term:
        term = (term * part >> _BITS) // n
        total += term
        n += 1
    for _ in range(_HALVINGS):
        total = total * total >> _BITS
    return total


def power_of_e(value: Decimal) -> Decimal:
    """Return e to a power."""
    if abs(value) > _LARGEST_POWER:
        return value.exp()
    tens, rest = divmod(_fixed(value), _LN_10)
    return _decimal(_power_of_e(rest), tens)


def logarithm(value: Decimal) -> Decimal:
    """Return the natural logarithm of a positive number."""
    low, high = _NEAR_ONE
    if low < value < high or not value.is_normal():
        return value.ln()  # here digits would cancel
    tens = value.adjusted()
    leading = value.scaleb(-tens)
    # A float is right to fifteen digits, and four terms of a series give the others.
    guess = int(math.log(leading) * (1 << 60)) << (_BITS - 60)
    off = (_fixed(leading) << _BITS) // _power_of_e(guess) - _ONE
    square = off * off >> _BITS
    rest = off - square // 2 + (square * off >> _BITS) // 3 - (square * square >> _BITS) // 4
    return _decimal(guess + rest + tens * _LN_10)


def square_root(value: Decimal) -> Decimal:
    """Return the square root of a number that is not negative."""
    half = (134 - value.adjusted()) // 2
    return Decimal(math.isqrt(int(value.scaleb(2 * half)))).scaleb(-half)


def alternating(square: Decimal, start: int) -> Decimal:
    """Return 1 - s/(n(n+1)) + s^2/(n(n+1)(n+2)(n+3)) - ..., for s below one.

    That is the cosine of the root of s for n = 1, and its sine over the root for n = 2.
    """
    factor = -_fixed(square)
    total = term = _ONE
    n = start
    while term:
        term = (term * factor >> _BITS) // (n * (n + 1))
        total += term
        n += 2
    return _decimal(total)
