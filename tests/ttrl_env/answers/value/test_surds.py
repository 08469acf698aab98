"""Square roots in constants, recognised however they are written."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ttrl_env.answers import answer_key, equivalent
from ttrl_env.answers.value.numbers import (
    Real,
    exponential,
    inexact,
    logarithm,
    pi,
    root,
)
from ttrl_env.answers.value.surds import Surd, square_free, surd_of


@pytest.mark.parametrize(
    ("spellings", "key"),
    [
        ([r"\sqrt{12}", r"2\sqrt3", r"\frac{6}{\sqrt3}", r"4\sin 60^\circ"], "2*sqrt(3)"),
        ([r"\frac{\sqrt3}{2}", "0.8660254037844386", r"\cos\frac\pi6"], "sqrt(3)/2"),
        ([r"\frac{1+\sqrt5}{2}", r"2\cos 36^\circ", "1.618033988749895"], "1/2 + sqrt(5)/2"),
        ([r"\sqrt{3+2\sqrt2}", r"1+\sqrt2", r"\frac{1}{\sqrt2-1}"], "1 + sqrt(2)"),
        ([r"\sqrt[4]{4}", r"\sqrt2", "4^{1/4}"], "sqrt(2)"),
        ([r"\tan\frac{\pi}{8}", r"\sqrt2-1"], "-1 + sqrt(2)"),
        ([r"2-\sqrt3", r"\tan 15^\circ"], "2 - sqrt(3)"),
        ([r"1<x<\sqrt8", r"(1,2\sqrt2)", r"x>1 \text{ and } x<\sqrt8"], "(1,2*sqrt(2))"),
        ([r"2x=\sqrt{12}", r"x=\sqrt3"], "sqrt(3)"),
    ],
)
def test_spellings_of_a_surd_share_a_key(spellings: list[str], key: str) -> None:
    assert {answer_key(text) for text in spellings} == {key}


@settings(deadline=None)
@given(p=st.integers(-30, 30), q=st.integers(1, 20), d=st.integers(2, 60), r=st.integers(1, 12))
def test_surds_are_recognised_in_four_spellings(p: int, q: int, d: int, r: int) -> None:
    assume(square_free(d)[1] > 1)
    value = (p + q * math.sqrt(d)) / r
    assume(abs(value) > 1e-3)
    plain = rf"\frac{{{p}+{q}\sqrt{{{d}}}}}{{{r}}}"
    assert equivalent(plain, rf"\frac{{{p}}}{{{r}}}+\sqrt{{\frac{{{q * q * d}}}{{{r * r}}}}}")
    if p * p != q * q * d:
        assert equivalent(plain, rf"\frac{{{p * p - q * q * d}}}{{{r}({p}-{q}\sqrt{{{d}}})}}")
    assert "sqrt" in str(answer_key(plain)) or p * p + q * q * d > 2000


@pytest.mark.parametrize("name", ["pi", "e", "ln 2", "cube root", "sum of roots"])
def test_other_numbers_are_not_taken_for_surds(name: str) -> None:
    values = {
        "pi": pi(),
        "e": exponential(inexact(1)),
        "ln 2": logarithm(inexact(2)),
        "cube root": root(inexact(2), 3),
    }
    if name == "sum of roots":
        assert str(answer_key(r"\sqrt2+\sqrt3")) == "~3.146264369942"
        assert equivalent(r"\sqrt2+\sqrt3", r"\sqrt{5+2\sqrt6}")
        return
    value = values[name]
    assert len(value) == 4
    assert surd_of(value) is None
    assert surd_of(value, rounded=True) is None


def test_the_value_of_a_surd_is_the_number() -> None:
    surd = Surd(Fraction(1, 2), Fraction(-3, 4), 7)
    assert str(surd) == "1/2 - 3*sqrt(7)/4"
    assert surd_of(surd.value()) == surd
    tiny: Real = surd.value()
    assert surd_of((tiny[0], tiny[1], tiny[2] - 90, tiny[3])) is None


@given(value=st.integers(1, 10**9))
def test_square_factors_are_taken_out(value: int) -> None:
    outside, left = square_free(value)
    assert outside * outside * left == value
    assert all(left % (k * k) for k in range(2, 60))
