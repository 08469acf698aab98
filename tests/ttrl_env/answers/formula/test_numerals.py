"""Numbers as they are written."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ttrl_env.answers.formula.numerals import decimal, join_digits, numeral
from ttrl_env.answers.limits import Unreadable


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.0833333333333333", Fraction(1, 12)),
        ("0.333333333333", Fraction(1, 3)),
        ("0.33333333333", Fraction(33333333333, 10**11)),
        ("1e3", 1000),
        ("2.5E-1", Fraction(1, 4)),
        (".5", Fraction(1, 2)),
        ("5.", 5),
    ],
)
def test_decimals_are_exact_fractions(text: str, value: Fraction) -> None:
    assert decimal(text) == ("n", value)


def test_printed_floats_are_marked() -> None:
    assert decimal("0.8660254037844386")[0] == "~"


@pytest.mark.parametrize("text", ["1e99999", "1e-2000", "1." + "1" * 2000])
def test_numbers_out_of_bounds_are_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        decimal(text)


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("1,234", "1234"),
        ("1,234,567.5", "1234567.5"),
        ("12,34", "12,34"),
        ("1,22", "1.22"),
        ("1000,99", "1000.99"),
        ("0,111", "0.111"),
        ("12,13", "12,13"),
        ("1,2", "1,2"),
        ("(1,234)", "(1,234)"),
        ("{1,234}", "{1234}"),
        (r"\{1,234\}", r"\{1,234\}"),
        ("1 234 567", "1234567"),
        ("1 23", "1 23"),
        ("100,2000", "100,2000"),
    ],
)
def test_separators_are_told_from_lists(text: str, joined: str) -> None:
    assert join_digits(text) == joined


@pytest.mark.parametrize("text", [r"1{,}234", r"1\,234", r"1,\!234", r"1\!234", r"1\ 234"])
def test_latex_separators_are_dropped(text: str) -> None:
    assert numeral(text) == ("n", 1234)
