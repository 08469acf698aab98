"""Trigonometric and hyperbolic functions of real and complex numbers, by mpmath.

- `ELEMENTARY`: each by its short name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from mpmath import libmp

from ttrl_env.answers.value.numbers import (
    DUST,
    IMAGINARY,
    PRECISION,
    ROUNDING,
    Inexact,
    as_complex,
    divide,
    magnitude,
    multiply,
)

__all__ = ["ELEMENTARY"]

Function: TypeAlias = Callable[[Inexact], Inexact]
_ONE: Final = libmp.fone


def _of(name: str) -> Function:
    """Returns mpmath's function of a name, the complex one where the value is not real."""
    real, full = getattr(libmp, f"mpf_{name}"), getattr(libmp, f"mpc_{name}")

    def function(value: Inexact) -> Inexact:
        if len(value) == 4:
            try:
                found: Inexact = real(value, PRECISION, ROUNDING)
            except libmp.ComplexResult:
                found = full(as_complex(value), PRECISION, ROUNDING)
        else:
            found = full(value, PRECISION, ROUNDING)
        return found

    return function


def _quotient(top: Inexact, bottom: Inexact) -> Inexact:
    """Returns a quotient; raises where the divisor is rounding error."""
    if magnitude(bottom) <= max(1, magnitude(top)) - DUST:
        raise ZeroDivisionError("a pole")
    return divide(top, bottom)


def _over(top: Function, bottom: Function) -> Function:
    return lambda value: _quotient(top(value), bottom(value))


def _inverted(function: Function) -> Function:
    return lambda value: _quotient(_ONE, function(value))


def _of_inverse(function: Function) -> Function:
    return lambda value: function(_quotient(_ONE, value))


_exp, _sin, _cos = _of("exp"), _of("sin"), _of("cos")
_sinh, _cosh = _of("sinh"), _of("cosh")

ELEMENTARY: Final[dict[str, Function]] = {
    "sin": _sin,
    "cos": _cos,
    "tan": _over(_sin, _cos),
    "cot": _over(_cos, _sin),
    "sec": _inverted(_cos),
    "csc": _inverted(_sin),
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _over(_sinh, _cosh),
    "coth": _over(_cosh, _sinh),
    "sech": _inverted(_cosh),
    "csch": _inverted(_sinh),
    "asin": _of("asin"),
    "acos": _of("acos"),
    "atan": _of("atan"),
    "acot": _of_inverse(_of("atan")),
    "asec": _of_inverse(_of("acos")),
    "acsc": _of_inverse(_of("asin")),
    "asinh": _of("asinh"),
    "acosh": _of("acosh"),
    "atanh": _of("atanh"),
    "acoth": _of_inverse(_of("atanh")),
    "asech": _of_inverse(_of("acosh")),
    "acsch": _of_inverse(_of("asinh")),
    "cis": lambda value: _exp(multiply(IMAGINARY, value)),
}
"""Each by its short name; `ZeroDivisionError` at a pole."""
