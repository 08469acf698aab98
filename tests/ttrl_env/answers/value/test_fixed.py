"""The functions in integers against those of `decimal`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env.answers.value import fixed
from ttrl_env.answers.value.numbers import PI, PRECISION

PRECISE = Context(prec=80, Emin=-999999, Emax=999999)
SIXTY_DIGITS = Decimal("1e-59")

positive = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent, PRECISE),
    st.integers(1, 10**60 - 1),
    st.integers(-1500, 1500),
)


@pytest.fixture(autouse=True)
def sixty_digits() -> Iterator[None]:
    """Compute in the context that the module expects."""
    with localcontext(PRECISION):
        yield


def off(value: Decimal, exact: Decimal) -> Decimal:
    """Return the relative error of a value."""
    if not exact:
        return abs(value)
    return abs(PRECISE.subtract(value, exact)) / abs(exact)


@given(st.decimals(-5000, 5000, allow_nan=False, places=50))
def test_powers_of_e(value: Decimal) -> None:
    assert off(fixed.power_of_e(value), PRECISE.exp(value)) < SIXTY_DIGITS


@given(positive)
def test_logarithms(value: Decimal) -> None:
    assert off(fixed.logarithm(value), PRECISE.ln(value)) < SIXTY_DIGITS


@given(st.integers(-(10**58), 10**58).filter(bool))
def test_logarithms_close_to_one(difference: int) -> None:
    value = 1 + Decimal(difference).scaleb(-59)
    assert off(fixed.logarithm(value), PRECISE.ln(value)) < SIXTY_DIGITS


@given(positive)
def test_square_roots(value: Decimal) -> None:
    assert off(fixed.square_root(value), PRECISE.sqrt(value)) < SIXTY_DIGITS


@given(st.integers(0, 10**30))
def test_square_roots_of_squares_are_exact(value: int) -> None:
    assert fixed.square_root(Decimal(value * value)) == value


@pytest.mark.parametrize("part", [4, 5, 6, 12, 180, 10**30])
def test_series(part: int) -> None:
    angle = +PI / part
    cosine = fixed.alternating(angle * angle, 1)
    sine = angle * fixed.alternating(angle * angle, 2)
    assert abs(sine * sine + cosine * cosine - 1) < SIXTY_DIGITS
    exact = {4: (2, 2), 6: (1, 3)}.get(part)  # four times the squares
    if exact:
        assert off(sine, PRECISE.sqrt(Decimal(exact[0]) / 4)) < SIXTY_DIGITS
        assert off(cosine, PRECISE.sqrt(Decimal(exact[1]) / 4)) < SIXTY_DIGITS


def test_series_of_nothing() -> None:
    assert fixed.alternating(Decimal(0), 1) == fixed.alternating(Decimal(0), 2) == 1
