"""SymPy's verdict on two answers, and ours held to it."""

from __future__ import annotations

from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_env.answers import answer_key, equivalent
from ttrl_env.answers.formula.parser import parse
from ttrl_env.answers.keys import tree_of
from ttrl_env.answers.limits import Unreadable
from ttrl_env.answers.symbolic import expression, verdict

X, Y = sympy.symbols("x y", real=True)


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("(x+1)^2", "x^2+2x+1", "proved"),
        (r"\sqrt{3+2\sqrt2}", r"1+\sqrt2", "proved"),
        (r"\sin 15^\circ", r"\frac{\sqrt6-\sqrt2}{4}", "proved"),
        (r"\sqrt[3]{-8}", "-2", "proved"),
        ("x=5", "5", "proved"),
        ("US$36", "36", "proved"),
        ("1,2", "2,1", "proved"),
        (
            r"\begin{pmatrix}1&x\end{pmatrix}",
            r"\begin{pmatrix}1&\frac{2x}{2}\end{pmatrix}",
            "proved",
        ),
        ("x^2+y^2=1", "2-2x^2=2y^2", "proved"),
        ("x^2", "x", "refuted"),
        (r"\ln|x|", r"\ln x", "refuted"),
        (r"\sqrt2", "1.41421356", "refuted"),
        ("(1,2)", "(1,3)", "refuted"),
        ("(1,2)", "(1,2,3)", "refuted"),
        ("1,2", "1,3", "refuted"),
        (r"\frac{\sqrt3}{2}", "0.8660254037844386", "unknown"),
        (r"\int x dx", r"\int 2x dx", "unknown"),
        ("x+y=1", "x-y=1", "unknown"),
    ],
)
def test_the_verdict_of_sympy(a: str, b: str, said: str) -> None:
    assert verdict(tree_of(a), tree_of(b))[0] == said


def test_a_refutation_names_a_point() -> None:
    said, detail = verdict(parse("x+y"), parse("x-y"))
    assert said == "refuted"
    assert "x = 7/5, y = -2/7" in detail


@pytest.mark.parametrize("text", [r"\int x dx", r"\{1,2\}", "5^{2000}", "x=y"])
def test_what_sympy_is_not_asked(text: str) -> None:
    with pytest.raises(Unreadable):
        expression(parse(text))


def test_the_name_of_a_letter_does_not_reach_sympy() -> None:
    hostile = parse("x_{exit()}")
    assert hostile == ("x", "x_(exit())")
    assert str(expression(hostile)) == "x0"


NUMBERS = st.fractions(-4, 4, max_denominator=4).map(
    lambda q: sympy.Rational(*q.as_integer_ratio())
)
LEAVES = st.one_of(st.sampled_from([X, Y, X + 1, sympy.sqrt(2), sympy.sqrt(3), sympy.pi]), NUMBERS)


def combined(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    pairs = st.tuples(children, children)
    return st.one_of(
        pairs.map(lambda pair: pair[0] + pair[1]),
        pairs.map(lambda pair: pair[0] * pair[1]),
        pairs.map(lambda pair: pair[0] / pair[1] if pair[1] != 0 else pair[0]),
        children.map(lambda child: child**2),
    )


EXPRESSIONS = st.recursive(LEAVES, combined, max_leaves=5)


def spellings(drawn: Any) -> list[str]:
    """An expression as SymPy rewrites and prints it."""
    ways = [drawn, sympy.expand(drawn), sympy.together(drawn), sympy.cancel(drawn)]
    return [sympy.latex(way) for way in ways] + [str(way) for way in ways[:2]]


@settings(deadline=None, max_examples=60)
@given(drawn=EXPRESSIONS)
def test_every_spelling_of_an_expression_has_one_key(drawn: Any) -> None:
    if not drawn.is_finite and drawn.is_number:
        return
    keys = {text: answer_key(text) for text in spellings(drawn)}
    assert len(set(keys.values())) == 1, keys


@settings(deadline=None, max_examples=60)
@given(a=EXPRESSIONS, b=EXPRESSIONS)
def test_our_verdict_is_that_of_sympy(a: Any, b: Any) -> None:
    first, second = sympy.latex(a), sympy.latex(sympy.expand(b))
    try:
        said, detail = verdict(tree_of(first), tree_of(second))
    except Unreadable:
        return
    if said != "unknown":
        assert equivalent(first, second) == (said == "proved"), (first, second, detail)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (r"\sin 2x", r"2\sin x\cos x"),
        (r"\cos^2 x", r"1-\sin^2 x"),
        (r"\frac{e^x-e^{-x}}{2}", r"\sinh x"),
        (r"\ln 6", r"\ln 2+\ln 3"),
        (r"\tan\frac{\pi}{8}", r"\sqrt2-1"),
        (r"(-8)^{1/3}", "-2"),
        (r"|x|^2", "x^2"),
        (r"\sqrt{x^2}", "|x|"),
        (r"\binom{n}{2}", r"\frac{n(n-1)}{2}"),
        (r"\ln|x|", r"\ln x"),
        (r"|x+2|", "x+2"),
        (r"\sin x", r"\cos x"),
    ],
)
def test_functions_are_held_to_sympy_too(a: str, b: str) -> None:
    said, detail = verdict(tree_of(a), tree_of(b))
    assert said != "unknown", detail
    assert equivalent(a, b) == (said == "proved")
