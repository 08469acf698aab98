r"""The numbers of answers: exact ones, and mpmath's of sixty-four digits.

- `Number`: `int` and `Fraction` are exact, `Real` and `Complex` are not.
- `simple_fraction`: what a number is to forty digits.
- `is_exact`, `is_close`, `is_negative`, `inexact`, `magnitude`, `tidy`: of numbers.
- `bits`, `reduced`, `whole_root`: of exact numbers.
- `add`, `multiply`, `divide`, `negative`, `whole_power`, `modulus`, `less`: of the others.
- `exponential`, `logarithm`, `square_root`, `root`, `pi`, `e`: likewise.

A `Real` is one of mpmath's tuples, of sign, mantissa, exponent and length, and a `Complex` is a
pair of them. `mpmath.libmp` takes the precision as an argument: nothing is shared by threads.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final, TypeAlias, TypeGuard, cast

from mpmath import libmp

__all__ = [
    "DUST",
    "IMAGINARY",
    "INEXACT",
    "PRECISION",
    "ROUNDING",
    "ZERO",
    "Complex",
    "Inexact",
    "Number",
    "Real",
    "add",
    "as_complex",
    "bits",
    "divide",
    "e",
    "exponential",
    "fraction_of",
    "inexact",
    "is_close",
    "is_exact",
    "is_negative",
    "is_real",
    "less",
    "logarithm",
    "magnitude",
    "modulus",
    "multiply",
    "negative",
    "pi",
    "reduced",
    "root",
    "simple_fraction",
    "square_root",
    "tidy",
    "whole_power",
    "whole_root",
]

Real: TypeAlias = tuple[int, int, int, int]
Complex: TypeAlias = tuple[Real, Real]
Inexact: TypeAlias = Real | Complex
Number: TypeAlias = int | Fraction | Inexact
"""`int` and `Fraction` are exact; the others carry sixty-four digits."""
INEXACT: Final = tuple
"""What the inexact numbers are, for `isinstance`."""
PRECISION: Final = 214
"""Bits of an inexact number."""
ROUNDING: Final = "n"
DUST: Final = 133
"""Bits below the first bit of a number, forty digits, where rounding errors begin."""
ZERO: Final[Real] = libmp.fzero
IMAGINARY: Final[Complex] = (ZERO, libmp.fone)
_FORTY_DIGITS: Final = 10**40
_LONGEST_FRACTION: Final = 70
"""Magnitude of a number that is looked at as a fraction."""
_NOTHING: Final = -(10**9)
"""The magnitude of zero."""


def is_exact(value: Number) -> bool:
    """Whether a number is known exactly."""
    return not isinstance(value, INEXACT)


def is_real(value: Number) -> TypeGuard[int | Fraction | Real]:
    """Whether a number is not complex."""
    return not isinstance(value, INEXACT) or len(value) == 4


def is_close(a: Number, b: Number) -> bool:
    """Whether two numbers agree to forty digits; exact ones have to be equal."""
    if a is b:
        return True
    if not (isinstance(a, INEXACT) or isinstance(b, INEXACT)):
        return a == b
    a, b = inexact(a), inexact(b)
    difference = magnitude(add(a, negative(b)))
    return difference == _NOTHING or difference <= max(magnitude(a), magnitude(b)) - DUST


def is_negative(value: int | Fraction | Real) -> bool:
    """Whether a real number is below zero."""
    return value[0] == 1 if isinstance(value, INEXACT) else value < 0


def inexact(value: Number) -> Inexact:
    """Returns a number as one of sixty-four digits."""
    if isinstance(value, int):
        return cast(Real, libmp.from_int(value, PRECISION, ROUNDING))
    if isinstance(value, Fraction):
        top, bottom = value.numerator, value.denominator
        return cast(Real, libmp.from_rational(top, bottom, PRECISION, ROUNDING))
    return value


def fraction_of(value: int | Fraction | Real) -> Fraction:
    """Returns the fraction that a real number is."""
    return Fraction(*libmp.to_rational(value)) if isinstance(value, INEXACT) else Fraction(value)


def magnitude(value: Inexact) -> int:
    """Returns the number of bits before the point, negative for a small number."""
    if len(value) == 4:
        return value[2] + value[3] if value[1] else _NOTHING
    return max(magnitude(value[0]), magnitude(value[1]))


def simple_fraction(value: Real) -> Fraction | None:
    """Returns the fraction of small denominator that a number is to forty digits, if any."""
    if value != ZERO and abs(magnitude(value)) > _LONGEST_FRACTION:
        return None
    exact = fraction_of(value)
    simple = exact.limit_denominator(1_000_000)
    return simple if abs(exact - simple) * _FORTY_DIGITS <= abs(exact) else None


def bits(value: int | Fraction) -> int:
    """Returns the size of an exact number."""
    if isinstance(value, int):
        return value.bit_length()
    return value.numerator.bit_length() + value.denominator.bit_length()


def reduced(value: int | Fraction) -> int | Fraction:
    """Returns an integer where a fraction is one."""
    return value.numerator if value.denominator == 1 else value


def whole_root(value: int, index: int) -> int | None:
    """Returns the exact root of a positive integer, or None."""
    if index == 2:
        found = math.isqrt(value)
        return found if found * found == value else None
    if value.bit_length() > 4096:
        return None
    found = int(libmp.to_int(libmp.mpf_nthroot(libmp.from_int(value), index, 4128 // index), "n"))
    return found if found**index == value else None


def tidy(value: Inexact) -> Number:
    """Returns a number without the part that is rounding error of the other.

    Raises:
        ZeroDivisionError: If it is infinite.
    """
    if len(value) == 4:
        if value[1]:
            return value
        if value[2]:
            raise ZeroDivisionError("a pole")
        return 0
    real, imag = value
    if (real[2] and not real[1]) or (imag[2] and not imag[1]):
        raise ZeroDivisionError("a pole")
    if magnitude(imag) <= magnitude(real) - DUST:
        return real
    if magnitude(real) <= magnitude(imag) - DUST:
        return (ZERO, imag)
    return value


def as_complex(value: Inexact) -> Complex:
    """Returns a number as a complex one."""
    return value if len(value) == 2 else (value, ZERO)


def add(a: Inexact, b: Inexact) -> Inexact:
    """Returns a sum."""
    if len(a) == 4 and len(b) == 4:
        return cast(Real, libmp.mpf_add(a, b, PRECISION, ROUNDING))
    return cast(Complex, libmp.mpc_add(as_complex(a), as_complex(b), PRECISION, ROUNDING))


def multiply(a: Inexact, b: Inexact) -> Inexact:
    """Returns a product."""
    if len(a) == 4:
        if len(b) == 4:
            return cast(Real, libmp.mpf_mul(a, b, PRECISION, ROUNDING))
        return cast(Complex, libmp.mpc_mul_mpf(b, a, PRECISION, ROUNDING))
    if len(b) == 4:
        return cast(Complex, libmp.mpc_mul_mpf(a, b, PRECISION, ROUNDING))
    return cast(Complex, libmp.mpc_mul(a, b, PRECISION, ROUNDING))


def divide(a: Inexact, b: Inexact) -> Inexact:
    """Returns a quotient.

    Raises:
        ZeroDivisionError: If the divisor is zero.
    """
    if len(a) == 4 and len(b) == 4:
        return cast(Real, libmp.mpf_div(a, b, PRECISION, ROUNDING))
    return cast(Complex, libmp.mpc_div(as_complex(a), as_complex(b), PRECISION, ROUNDING))


def negative(value: Inexact) -> Inexact:
    """Returns minus a number."""
    if len(value) == 4:
        return cast(Real, libmp.mpf_neg(value))
    return cast(Complex, libmp.mpc_neg(value))


def whole_power(value: Inexact, exponent: int) -> Inexact:
    """Returns a power with an integer exponent."""
    if len(value) == 4:
        return cast(Real, libmp.mpf_pow_int(value, exponent, PRECISION, ROUNDING))
    return cast(Complex, libmp.mpc_pow_int(value, exponent, PRECISION, ROUNDING))


def modulus(value: Inexact) -> Real:
    """Returns the absolute value."""
    if len(value) == 4:
        return cast(Real, libmp.mpf_abs(value))
    return cast(Real, libmp.mpc_abs(value, PRECISION, ROUNDING))


def less(a: int | Fraction | Real, b: int | Fraction | Real) -> bool:
    """Whether a real number is less than another."""
    if isinstance(a, INEXACT) or isinstance(b, INEXACT):
        return bool(libmp.mpf_lt(inexact(a), inexact(b)))
    return a < b


def exponential(value: Inexact) -> Inexact:
    """Returns e to a power."""
    if len(value) == 4:
        return cast(Real, libmp.mpf_exp(value, PRECISION, ROUNDING))
    return cast(Complex, libmp.mpc_exp(value, PRECISION, ROUNDING))


def logarithm(value: Inexact) -> Inexact:
    """Returns the principal logarithm."""
    if len(value) == 4 and not value[0]:
        return cast(Real, libmp.mpf_log(value, PRECISION, ROUNDING))
    return cast(Complex, libmp.mpc_log(as_complex(value), PRECISION, ROUNDING))


def square_root(value: Inexact) -> Inexact:
    """Returns the principal square root."""
    if len(value) == 4 and not value[0]:
        return cast(Real, libmp.mpf_sqrt(value, PRECISION, ROUNDING))
    return cast(Complex, libmp.mpc_sqrt(as_complex(value), PRECISION, ROUNDING))


def root(value: Inexact, index: int) -> Inexact:
    """Returns the principal root of a number that is not negative."""
    if index == 2:
        return square_root(value)
    if len(value) == 4:
        return cast(Real, libmp.mpf_nthroot(value, index, PRECISION, ROUNDING))
    return cast(Complex, libmp.mpc_nthroot(value, index, PRECISION, ROUNDING))


def pi() -> Real:
    """Returns the number pi."""
    return cast(Real, libmp.mpf_pi(PRECISION, ROUNDING))


def e() -> Real:
    """Returns the base of the natural logarithm."""
    return cast(Real, libmp.mpf_e(PRECISION, ROUNDING))
