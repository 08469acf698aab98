r"""A formula as an expression tree."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ttrl_env.answers.formula.parser import parse
from ttrl_env.answers.formula.tokens import Token, tokenize
from ttrl_env.answers.formula.vocabulary import FUNCTIONS, GREEK
from ttrl_env.answers.limits import Unreadable

X = ("x", "x")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1{,}234", ("n", 1234)),
        ("1 234", ("n", 1234)),
        ("1.50", ("n", Fraction(3, 2))),
        ("2\\frac12", ("n", Fraction(5, 2))),
        ("2\\frac{3}{2}", ("*", [("n", 2), ("/", ("n", 3), ("n", 2))])),
        ("0.1\\overline{6}", ("n", Fraction(1, 6))),
        ("2x", ("*", [("n", 2), X])),
        ("x^10", ("^", X, ("n", 10))),
        ("2^3^2", ("^", ("n", 2), ("^", ("n", 3), ("n", 2)))),
        ("-x", ("*", [("n", -1), X])),
        ("\\frac12", ("/", ("n", 1), ("n", 2))),
        ("x_{10}", ("x", "x_10")),
        ("x_i^2", ("^", ("x", "x_i"), ("n", 2))),
        ("x^2_i", ("^", ("x", "x_i"), ("n", 2))),
        ("\\sin^{-1} x", ("f", "asin", [X])),
        ("\\sqrt[3]{x}", ("root", ("n", 3), X)),
        ("(1,2]", ("tuple", [("n", 1), ("n", 2)], "(", "]")),
        ("\\{1\\}", ("set", [("n", 1)])),
        ("1 < x", ("rel", ["<"], [("n", 1), X])),
        ("204_5", ("base", "204", 5)),
        ("(1,234)", ("tuple", [("n", 1), ("n", 234)], "(", ")")),
        ("1,234", ("n", 1234)),
        ("3,14", ("n", Fraction(157, 50))),
        ("3,4", ("list", [("n", 3), ("n", 4)])),
    ],
)
def test_trees(text: str, tree: object) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(1",
        "1)",
        "\\frac{1}",
        "\\begin{pmatrix}1&2\\\\3\\end{pmatrix}",
        "1 2",
        "x^",
        "not a formula at all",
        "#",
        "\\unknowncommand",
        "229_5",
        "2.51e5\\overline{6}",
        "(" * 60 + "x" + ")" * 60,
        "1" * 5000,
        "+".join("x" * 900),
    ],
)
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        parse(text)


def test_tokens_know_the_space_before_them() -> None:
    assert [(token.text, token.spaced) for token in tokenize("1 1/2")][:2] == [
        ("1", False),
        ("1", True),
    ]


@pytest.mark.parametrize("name", sorted({*FUNCTIONS, *GREEK, "mleft", "overline", "unknown"}))
def test_commands_are_tokens_whether_or_not_they_are_common(name: str) -> None:
    expected = [] if name == "mleft" else [Token("cmd", name, True, name)]
    assert tokenize(f"x \\{name} 2")[1:-2] == expected


@pytest.mark.parametrize("number", ["7", "99", "100", "1.5", ".5", "2e-3", "1{,}234", "1\\,234"])
def test_numbers_are_one_token(number: str) -> None:
    assert tokenize(f"{number} x")[0] == Token("num", number, False)
