"""Numbers of sixty-four digits: identities, the standard library's floats, and limits."""

from __future__ import annotations

import cmath
import math
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import libmp

from ttrl_env.answers.value.elementary import ELEMENTARY
from ttrl_env.answers.value.numbers import (
    IMAGINARY,
    ZERO,
    Inexact,
    Real,
    add,
    divide,
    exponential,
    fraction_of,
    inexact,
    is_close,
    is_negative,
    less,
    logarithm,
    magnitude,
    multiply,
    negative,
    pi,
    root,
    square_root,
    tidy,
    whole_power,
    whole_root,
)

INNER = st.floats(-0.99, 0.99).filter(lambda x: abs(x) > 1e-3)
FRACTIONS = st.fractions(max_denominator=10**12)


def real(value: float) -> Real:
    return libmp.from_float(value)


def as_python(value: Inexact) -> complex:
    if len(value) == 4:
        return complex(libmp.to_float(value))
    return complex(libmp.to_float(value[0]), libmp.to_float(value[1]))


@pytest.mark.parametrize(
    "name", ["sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "atanh"]
)
@settings(deadline=None)
@given(x=INNER, y=st.sampled_from([0.0, 0.25, -0.5]))
def test_functions_agree_with_the_standard_library(name: str, x: float, y: float) -> None:
    argument: Inexact = (real(x), real(y)) if y else real(x)
    found = as_python(ELEMENTARY[name](argument))
    assert cmath.isclose(found, getattr(cmath, name)(complex(x, y)), rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("name", "inverse"), [("acot", "cot"), ("asec", "sec"), ("acsc", "csc"), ("acoth", "coth")]
)
@settings(deadline=None)
@given(x=st.floats(1.01, 5))
def test_inverse_functions_are_inverse(name: str, inverse: str, x: float) -> None:
    assert is_close(ELEMENTARY[inverse](ELEMENTARY[name](real(x))), real(x))


@settings(deadline=None)
@given(a=FRACTIONS, b=FRACTIONS)
def test_arithmetic_is_that_of_fractions(a: Fraction, b: Fraction) -> None:
    x, y = inexact(a), inexact(b)
    assert is_close(add(x, y), a + b) or abs(a + b) < Fraction(1, 10**20) * max(abs(a), abs(b))
    assert is_close(multiply(x, y), a * b)
    assert is_close(add(x, negative(x)), 0)
    if b:
        assert is_close(divide(x, y), a / b)
        assert is_close(whole_power(y, -3), b**-3)
    assert len(x) == len(y) == 4
    assert less(x, y) == (a < b) or is_close(x, y)


@settings(deadline=None)
@given(x=st.floats(-50, 50), y=st.floats(-3, 3))
def test_the_identities_hold_to_forty_digits(x: float, y: float) -> None:
    a = real(x)
    sine, cosine = ELEMENTARY["sin"](a), ELEMENTARY["cos"](a)
    assert is_close(add(multiply(sine, sine), multiply(cosine, cosine)), 1)
    z = (a, real(y))
    half = square_root(z)
    assert is_close(multiply(half, half), z)
    w = (real(y), real(x / 20))
    assert is_close(logarithm(exponential(w)), w) or magnitude(w) < -100


def test_known_values() -> None:
    assert is_close(multiply(ELEMENTARY["atan"](inexact(1)), inexact(4)), pi())
    assert is_close(ELEMENTARY["sin"](divide(pi(), inexact(6))), Fraction(1, 2))
    assert is_close(exponential(multiply(IMAGINARY, pi())), -1)
    assert is_close(root(inexact(10**30), 5), 10**6)
    assert fraction_of(inexact(Fraction(3, 8))) == Fraction(3, 8)


@pytest.mark.parametrize(("name", "halves"), [("tan", 1), ("cot", 0), ("csc", 2), ("asec", 0)])
def test_poles_raise(name: str, halves: int) -> None:
    argument = divide(multiply(inexact(halves), pi()), inexact(2))
    with pytest.raises(ZeroDivisionError):
        ELEMENTARY[name](argument)


@pytest.mark.parametrize("argument", [inexact(1), inexact(-1)])
def test_an_infinite_value_is_a_pole(argument: Inexact) -> None:
    with pytest.raises(ZeroDivisionError, match="pole"):
        tidy(ELEMENTARY["atanh"](argument))


def test_rounding_errors_are_dropped() -> None:
    dust = inexact(Fraction(1, 10**50))
    assert len(dust) == 4
    assert tidy((pi(), dust)) == pi()
    assert tidy((dust, pi())) == (ZERO, pi())
    assert tidy(ZERO) == 0
    assert not is_close(pi(), add(pi(), inexact(Fraction(1, 10**30))))
    assert is_negative(-2)
    assert not is_negative(Fraction(1, 2))


@given(value=st.integers(1, 10**60), index=st.integers(2, 9))
def test_whole_roots_are_exact_or_none(value: int, index: int) -> None:
    assert whole_root(value**index, index) == value
    assert whole_root(value**index + 1, index) is None


def test_roots_of_large_numbers_are_exact() -> None:
    assert whole_root(7**1400, 7) == 7**200
    assert whole_root(7**1400 + 1, 7) is None


def test_numbers_are_the_same_in_every_thread() -> None:
    def digits(part: int) -> Inexact:
        return ELEMENTARY["sin"](exponential(divide(pi(), inexact(part % 7 + 1))))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(digits, range(700)))
    assert found == [digits(part) for part in range(700)]
    assert math.isclose(as_python(found[0]).real, math.sin(math.exp(math.pi)))
