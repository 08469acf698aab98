"""Sixty digits, checked against identities and against the floats of the standard library."""

from __future__ import annotations

import cmath
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_env.answers.value.numbers import (
    FUNCTIONS,
    PI,
    PRECISION,
    Complex,
    E,
    Inexact,
    exponential,
    logarithm,
    modulus,
    square_root,
)

INNER = st.floats(-0.99, 0.99).filter(lambda x: abs(x) > 1e-3)
CLOSE = Decimal("1e-50")


def as_complex(value: Inexact) -> complex:
    if isinstance(value, Complex):
        return complex(float(value.real), float(value.imag))
    return complex(float(value))


@pytest.mark.parametrize(
    "name", ["sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "atanh"]
)
@settings(deadline=None)
@given(x=INNER, y=st.sampled_from([0.0, 0.25, -0.5]))
def test_functions_agree_with_the_standard_library(name: str, x: float, y: float) -> None:
    with localcontext(PRECISION):
        argument: Inexact = Complex(Decimal(x), Decimal(y)) if y else Decimal(x)
        found = as_complex(FUNCTIONS[name](argument))
    assert cmath.isclose(found, getattr(cmath, name)(complex(x, y)), rel_tol=1e-9, abs_tol=1e-12)


@settings(deadline=None)
@given(x=st.floats(-50, 50), y=st.floats(-3, 3))
def test_the_identities_hold_to_fifty_digits(x: float, y: float) -> None:
    with localcontext(PRECISION):
        a = Decimal(x)
        sine, cosine = FUNCTIONS["sin"](a), FUNCTIONS["cos"](a)
        assert abs(modulus(sine * sine + cosine * cosine) - 1) < CLOSE
        z = Complex(a, Decimal(y))
        root = square_root(z)
        assert modulus(root * root - z) <= CLOSE * max(Decimal(1), modulus(z))
        power = exponential(Complex(Decimal(y), a / 20))
        assert modulus(logarithm(power) - Complex(Decimal(y), a / 20)) < CLOSE


def test_known_values() -> None:
    with localcontext(PRECISION):
        assert abs(FUNCTIONS["atan"](Decimal(1)) * 4 - PI) < CLOSE
        assert abs(exponential(Decimal(1)) - E) < CLOSE
        assert abs(FUNCTIONS["sin"](PI / 6) - Decimal("0.5")) < CLOSE
        minus_one = exponential(Complex(Decimal(0), PI))
        assert modulus(minus_one + Decimal(1)) < CLOSE


@pytest.mark.parametrize(("name", "halves"), [("tan", 1), ("cot", 0), ("csc", 2), ("asec", 0)])
def test_poles_are_refused(name: str, halves: int) -> None:
    with localcontext(PRECISION):
        argument = halves * PI / 2
        with pytest.raises(ZeroDivisionError, match="pole"):
            FUNCTIONS[name](argument)
