r"""One spelling for what is written in several."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_env.answers.text.normalize import plain_text, to_ascii, trim


@pytest.mark.parametrize(
    ("text", "ascii_text"),
    [
        ("−2½", r"-2\frac{1}{2}"),
        ("x²", "x^{2}"),
        ("x₁", "x_{1}"),
        ("√3", r"\sqrt{3}"),
        ("４２", "42"),
        ("४२", "42"),
        ("\u200f42\u200f", "42"),
        ("（1，2）", "(1,2)"),
        ("42", "42"),
    ],
)
def test_unicode_mathematics_is_latex(text: str, ascii_text: str) -> None:
    assert to_ascii(text) == ascii_text


@pytest.mark.parametrize(
    ("text", "trimmed"),
    [
        ("$42$", "42"),
        ("$$42$$.", "42"),
        (r"\(42\)", "42"),
        (r"\[ 42 \]", "42"),
        ("**42**", "42"),
        ("42<|im_end|>", "42"),
        ("$1$ and $2$", "$1$ and $2$"),
        ("1,2,...", "1,2,..."),
        ("42.$", "42"),
        ("42\\ ", "42"),
        (r"\$42", r"\$42"),
        ("", ""),
    ],
)
def test_what_surrounds_an_answer_is_trimmed(text: str, trimmed: str) -> None:
    assert trim(text) == trimmed


@settings(deadline=None)
@given(st.text(max_size=60))
def test_plain_text_is_settled(text: str) -> None:
    once = plain_text(text)
    assert plain_text(once) == plain_text(plain_text(once))
    assert once == once.strip()
