r"""Numbers of sixty digits, in any thread: `decimal.Decimal`, and complex ones made of them.

- `Inexact`: `Decimal` or `Complex`. Everything here expects the context `PRECISION`.
- `PRECISION`, `PI`, `E`: the context, and the two constants.
- `exponential`, `logarithm`, `square_root`, `root`: for real and complex numbers.
- `FUNCTIONS`: the trigonometric and hyperbolic functions and their inverses.
- `forget`: empties the memory of values.
- `modulus`, `tidy`: the size of a number; a number without parts that are rounding error.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache
from typing import Final, TypeAlias

from ttrl_env.answers.value import fixed
from ttrl_env.answers.value.fixed import square_root as _sqrt

__all__ = [
    "DUST",
    "FUNCTIONS",
    "INEXACT",
    "PI",
    "PRECISION",
    "Complex",
    "E",
    "Inexact",
    "exponential",
    "forget",
    "logarithm",
    "modulus",
    "root",
    "square_root",
    "tidy",
]

PRECISION: Final = Context(
    prec=60,
    Emin=-999999,
    Emax=999999,
    traps=[DivisionByZero, InvalidOperation, Overflow],
    flags=[],
    clamp=0,
)
PI: Final = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640629")
E: Final = Decimal("2.71828182845904523536028747135266249775724709369995957496696762772407663035")
DUST: Final = Decimal("1e-40")
"""Relative size below which a part of a number is rounding error."""
_TINY: Final = Decimal("1e-64")
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
_TWO: Final = Decimal(2)


class Complex:
    """A complex number; immutable by convention."""

    __slots__ = ("imag", "real")

    def __init__(self, real: Decimal, imag: Decimal) -> None:
        self.real = real
        self.imag = imag

    def __repr__(self) -> str:
        return f"Complex({self.real}, {self.imag})"

    def __bool__(self) -> bool:
        return bool(self.real) or bool(self.imag)

    def __neg__(self) -> Complex:
        return Complex(-self.real, -self.imag)

    def __add__(self, other: Inexact) -> Complex:
        if isinstance(other, Complex):
            return Complex(self.real + other.real, self.imag + other.imag)
        return Complex(self.real + other, self.imag)

    __radd__ = __add__

    def __sub__(self, other: Inexact) -> Complex:
        return self + -other

    def __rsub__(self, other: Inexact) -> Complex:
        return -self + other

    def __mul__(self, other: Inexact) -> Complex:
        if isinstance(other, Complex):
            return Complex(
                self.real * other.real - self.imag * other.imag,
                self.real * other.imag + self.imag * other.real,
            )
        return Complex(self.real * other, self.imag * other)

    __rmul__ = __mul__

    def reciprocal(self) -> Complex:
        """Return one over the number."""
        size = self.real * self.real + self.imag * self.imag
        return Complex(self.real / size, -self.imag / size)

    def __truediv__(self, other: Inexact) -> Complex:
        if isinstance(other, Complex):
            return self * other.reciprocal()
        return Complex(self.real / other, self.imag / other)

    def __rtruediv__(self, other: Decimal) -> Complex:
        return self.reciprocal() * other

    def __pow__(self, exponent: int) -> Complex:
        base = self if exponent >= 0 else self.reciprocal()
        exponent = abs(exponent)
        result = Complex(_ONE, _ZERO)
        while exponent:
            if exponent & 1:
                result = result * base
            base = base * base
            exponent >>= 1
        return result


# The letters of answers stand for few numbers, so the same values come up again and again.
_remembered = lru_cache(maxsize=2048)
Inexact: TypeAlias = Decimal | Complex
INEXACT: Final = (Decimal, Complex)
"""The same, for `isinstance`, which is much slower at recognising a `Fraction`."""


def modulus(value: Inexact) -> Decimal:
    """Return the absolute value."""
    if isinstance(value, Complex):
        return _sqrt(value.real * value.real + value.imag * value.imag)
    return abs(value)


def tidy(value: Inexact) -> Inexact:
    """Drop the real or imaginary part that is rounding error of the other."""
    if not isinstance(value, Complex):
        return value
    real, imag = abs(value.real), abs(value.imag)
    if imag <= real * DUST:
        return value.real
    if real <= imag * DUST:
        return Complex(_ZERO, value.imag)
    return value


def _angle(value: Complex) -> Decimal:
    """Return the argument of a complex number, in (-pi, pi]."""
    if not value.real:
        return (PI if value.imag > 0 else -PI) / 2
    angle = _arctangent(value.imag / value.real)
    if value.real > 0:
        return angle
    return angle + (PI if value.imag >= 0 else -PI)


def exponential(value: Inexact) -> Inexact:
    """Return e to a power."""
    if isinstance(value, Complex):
        size = _exp(value.real)
        return Complex(size * _cosine(value.imag), size * _sine(value.imag))
    return _exp(value)


@_remembered
def _exp(value: Decimal) -> Decimal:
    return fixed.power_of_e(value)


@_remembered
def _ln(value: Decimal) -> Decimal:
    return fixed.logarithm(value)


def logarithm(value: Inexact) -> Inexact:
    """Return the principal logarithm."""
    if isinstance(value, Complex):
        return Complex(_ln(modulus(value)), _angle(value))
    if value < 0:
        return Complex(_ln(-value), PI)
    return _ln(value)


def square_root(value: Inexact) -> Inexact:
    """Return the principal square root."""
    if not isinstance(value, Complex):
        return _sqrt(value) if value >= 0 else Complex(_ZERO, _sqrt(-value))
    size = modulus(value)
    if value.real >= 0:
        real = _sqrt((size + value.real) / 2)
        return Complex(real, value.imag / (2 * real)) if real else value
    imag = _sqrt((size - value.real) / 2)
    imag = imag if value.imag >= 0 else -imag
    return Complex(value.imag / (2 * imag), imag)


def root(value: Inexact, index: int) -> Inexact:
    """Return the principal root of a number that is not negative."""
    if index == 2:
        return square_root(value)
    return exponential(logarithm(value) / Decimal(index))


def _reduced(angle: Decimal) -> tuple[int, Decimal]:
    """Return the quadrant of an angle, and what is left of it, at most pi/4."""
    quadrant = int((angle * 2 / PI).to_integral_value())
    return quadrant & 3, angle - quadrant * PI / 2


@_remembered
def _sine(angle: Decimal) -> Decimal:
    quadrant, rest = _reduced(angle)
    square = rest * rest
    value = fixed.alternating(square, 1) if quadrant & 1 else rest * fixed.alternating(square, 2)
    return -value if quadrant & 2 else value


@_remembered
def _cosine(angle: Decimal) -> Decimal:
    quadrant, rest = _reduced(angle)
    square = rest * rest
    value = rest * fixed.alternating(square, 2) if quadrant & 1 else fixed.alternating(square, 1)
    return -value if quadrant in {1, 2} else value


@_remembered
def _arctangent(value: Decimal) -> Decimal:
    if abs(value) > 1:
        half = PI / 2 if value > 0 else -PI / 2
        return half - _arctangent(1 / value)
    for _ in range(3):
        value = value / (1 + _sqrt(1 + value * value))
    square, power, total, n = value * value, value, value, 1
    while abs(power) > _TINY:
        power = -power * square
        n += 2
        total += power / n
    return total * 8


def _sin(value: Inexact) -> Inexact:
    if isinstance(value, Complex):
        up, down = _exp(value.imag), _exp(-value.imag)
        return Complex(_sine(value.real) * (up + down) / 2, _cosine(value.real) * (up - down) / 2)
    return _sine(value)


def _cos(value: Inexact) -> Inexact:
    if isinstance(value, Complex):
        return _sin(Complex(PI / 2 - value.real, -value.imag))
    return _cosine(value)


def _sinh(value: Inexact) -> Inexact:
    return (exponential(value) - exponential(-value)) / _TWO


def _cosh(value: Inexact) -> Inexact:
    return (exponential(value) + exponential(-value)) / _TWO


def _asinh(value: Inexact) -> Inexact:
    if not isinstance(value, Complex) and value < 0:
        return -_asinh(-value)
    return logarithm(value + square_root(value * value + _ONE))


def _acosh(value: Inexact) -> Inexact:
    return logarithm(value + square_root(value + _ONE) * square_root(value - _ONE))


def _atanh(value: Inexact) -> Inexact:
    return (logarithm(_ONE + value) - logarithm(_ONE - value)) / _TWO


def _times_i(value: Inexact) -> Complex:
    if isinstance(value, Complex):
        return Complex(-value.imag, value.real)
    return Complex(_ZERO, value)


def _asin(value: Inexact) -> Inexact:
    if not isinstance(value, Complex) and abs(value) <= 1:
        if abs(value) == 1:
            return PI / 2 * value
        return _arctangent(value / _sqrt(1 - value * value))
    return -_times_i(_asinh(_times_i(value)))


def _acos(value: Inexact) -> Inexact:
    return PI / 2 - _asin(value)


def _atan(value: Inexact) -> Inexact:
    if isinstance(value, Complex):
        return -_times_i(_atanh(_times_i(value)))
    return _arctangent(value)


def _quotient(top: Inexact, bottom: Inexact) -> Inexact:
    if modulus(bottom) <= DUST * max(_ONE, modulus(top)):
        raise ZeroDivisionError("a pole")
    return top / bottom


def _inverted(function: Callable[[Inexact], Inexact]) -> Callable[[Inexact], Inexact]:
    return lambda value: _quotient(_ONE, function(value))


def _of_inverse(function: Callable[[Inexact], Inexact]) -> Callable[[Inexact], Inexact]:
    return lambda value: function(_quotient(_ONE, value))


def _tan(value: Inexact) -> Inexact:
    return _quotient(_sin(value), _cos(value))


def _tanh(value: Inexact) -> Inexact:
    return _quotient(_sinh(value), _cosh(value))


def forget() -> None:
    """Empty the memory of values, so that a measurement starts cold."""
    for function in (_exp, _ln, _sine, _cosine, _arctangent):
        function.cache_clear()


FUNCTIONS: Final[dict[str, Callable[[Inexact], Inexact]]] = {
    "sin": _sin,
    "cos": _cos,
    "tan": _tan,
    "cot": lambda value: _quotient(_cos(value), _sin(value)),
    "sec": _inverted(_cos),
    "csc": _inverted(_sin),
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
    "coth": lambda value: _quotient(_cosh(value), _sinh(value)),
    "sech": _inverted(_cosh),
    "csch": _inverted(_sinh),
    "asin": _asin,
    "acos": _acos,
    "atan": _atan,
    "acot": _of_inverse(_atan),
    "asec": _of_inverse(_acos),
    "acsc": _of_inverse(_asin),
    "asinh": _asinh,
    "acosh": _acosh,
    "atanh": _atanh,
    "acoth": _of_inverse(_atanh),
    "asech": _of_inverse(_acosh),
    "acsch": _of_inverse(_asinh),
    "cis": lambda value: exponential(_times_i(value)),
}
"""Each by its short name; `ZeroDivisionError` or `decimal.InvalidOperation` at a pole."""
