"""Square roots in real constants: which number of degree two a number is.

- `Surd`: a rational number plus a rational multiple of a square root.
- `surd_of`: the surd that a number is to all its digits, or None.
- `square_free`: an integer as a square times what is left.

Surds with small coefficients lie much farther apart than the digits that are compared, so a number
that is known to be a surd is recognised without error, however it was written: `2 sin 60°` and
`sqrt(3)` are the same. The same surds are recognised in printed floats, which have fifteen digits.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import gcd, isqrt
from typing import Final, NamedTuple

from ttrl_env.answers.value.numbers import (
    DUST,
    ZERO,
    Real,
    add,
    fraction_of,
    inexact,
    magnitude,
    multiply,
    negative,
    square_root,
)

__all__ = ["Surd", "square_free", "surd_of"]

_FLOAT_BITS: Final = 43
"""Bits to which a printed float is known."""
_LATTICE_BITS: Final = 100
_LARGEST: Final = 2000
"""Largest coefficient of the equation of a surd that is not the root of a rational number."""
_LARGEST_SQUARE: Final = 10**7
_LARGEST_DENOMINATOR: Final = 1000
"""Largest numerator and denominator of the square of one that is."""
_MAGNITUDE: Final = 24
_PRIMES_TO: Final = 1000


class Surd(NamedTuple):
    """The number `rational + factor * sqrt(radicand)`, the radicand without square factors."""

    rational: Fraction
    factor: Fraction
    radicand: int

    def __str__(self) -> str:
        size = abs(self.factor)
        times = "" if size.numerator == 1 else f"{size.numerator}*"
        over = "" if size.denominator == 1 else f"/{size.denominator}"
        root = f"{times}sqrt({self.radicand}){over}"
        if not self.rational:
            return root if self.factor > 0 else f"-{root}"
        return f"{self.rational} {'+' if self.factor > 0 else '-'} {root}"

    def value(self) -> Real:
        """Returns the number."""
        root = square_root(inexact(self.radicand))
        value = add(inexact(self.rational), multiply(inexact(self.factor), root))
        return value if len(value) == 4 else ZERO


@lru_cache(maxsize=4096)
def surd_of(value: Real, *, rounded: bool = False) -> Surd | None:
    """Returns the surd that a number is, or None for any other number.

    Args:
        value: The number, which is not rational.
        rounded: Whether it is a printed float.
    """
    if abs(magnitude(value)) > _MAGNITUDE:
        return None
    found = _root_of_rational(value, rounded=rounded) or _of_equation(value, rounded=rounded)
    if found is None:
        return None
    off = magnitude(add(found.value(), negative(value)))
    return found if off <= magnitude(value) - (_FLOAT_BITS if rounded else DUST) else None


def _root_of_rational(value: Real, *, rounded: bool) -> Surd | None:
    square = fraction_of(value) ** 2
    simple = square.limit_denominator(_LARGEST_DENOMINATOR)
    off = abs(simple - square) * 2 ** (_FLOAT_BITS if rounded else DUST)
    if not 0 < simple.numerator <= _LARGEST_SQUARE or off > 4 * square:
        return None
    outside, radicand = square_free(simple.numerator * simple.denominator)
    factor = Fraction(-outside if value[0] else outside, simple.denominator)
    return Surd(Fraction(0), factor, radicand) if radicand > 1 else None


def _of_equation(value: Real, *, rounded: bool) -> Surd | None:
    """Returns the surd of which a quadratic equation with small coefficients holds."""
    scale = 1 << (_FLOAT_BITS + 2 if rounded else _LATTICE_BITS)
    top = fraction_of(value) * scale
    c, b, a = _relation(round(top), round(top * top / scale), scale)
    if not a or max(abs(a), abs(b), abs(c)) > _LARGEST:
        return None
    common = gcd(a, b, c)
    a, b, c = a // common, b // common, c // common
    outside, radicand = square_free(max(b * b - 4 * a * c, 0))
    if radicand < 2:
        return None
    above = fraction_of(value) > Fraction(-b, 2 * a)
    size = Fraction(outside, abs(2 * a))
    return Surd(Fraction(-b, 2 * a), size if above else -size, radicand)


def _relation(first: int, second: int, scale: int) -> tuple[int, int, int]:
    """Returns small integers, the products of which with three numbers add up to almost zero.

    The three are `scale`, `first` and `second`. They are the shortest vector of a lattice in
    three dimensions, found by reducing its basis as Gauss did in two (Semaev 2001).
    """
    basis = [[1, 0, 0, scale], [0, 1, 0, first], [0, 0, 1, second]]
    while True:
        basis.sort(key=lambda row: _dot(row, row))
        a, b, c = basis
        aa, ab = _dot(a, a), _dot(a, b)
        times = _nearest(ab, aa)
        if times:
            basis[1] = [y - times * x for x, y in zip(a, b, strict=True)]
            continue
        bb, ac, bc = _dot(b, b), _dot(a, c), _dot(b, c)
        area = aa * bb - ab * ab
        x, y = _nearest(ac * bb - bc * ab, area), _nearest(bc * aa - ac * ab, area)
        shorter = [w - x * u - y * v for u, v, w in zip(a, b, c, strict=True)]
        if _dot(shorter, shorter) >= _dot(c, c):
            return a[0], a[1], a[2]
        basis[2] = shorter


def _dot(a: list[int], b: list[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _nearest(top: int, bottom: int) -> int:
    return (2 * top + bottom) // (2 * bottom)


def square_free(value: int) -> tuple[int, int]:
    """Returns the root of the largest square that divides a number, and what is left.

    Prime factors above a thousand are not looked for, unless what is left is a square.

    >>> square_free(12)
    (2, 3)
    """
    outside, left, prime = 1, 1, 2
    while prime <= _PRIMES_TO and value > 1:
        count = 0
        while value % prime == 0:
            value //= prime
            count += 1
        outside *= prime ** (count // 2)
        left *= prime ** (count % 2)
        prime += 1 + (prime > 2)
    whole = isqrt(value)
    return (outside * whole, left) if whole * whole == value else (outside, left * value)
