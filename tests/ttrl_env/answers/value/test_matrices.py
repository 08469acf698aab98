"""Sums, products and powers of matrices."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_env.answers import answer_key, equivalent

CELLS = st.lists(st.lists(st.integers(-9, 9), min_size=2, max_size=2), min_size=2, max_size=2)


def latex(cells: list[list[int]]) -> str:
    """A matrix as LaTeX."""
    rows = (r" & ".join(map(str, row)) for row in cells)
    return r"\begin{pmatrix}" + r" \\ ".join(rows) + r"\end{pmatrix}"


def times(a: list[list[int]], b: list[list[int]]) -> list[list[int]]:
    """The product, by the definition."""
    return [
        [sum(x * y for x, y in zip(row, c, strict=True)) for c in zip(*b, strict=True)] for row in a
    ]


@settings(deadline=None)
@given(a=CELLS, b=CELLS)
def test_arithmetic_is_that_of_matrices(a: list[list[int]], b: list[list[int]]) -> None:
    total = [[x + y for x, y in zip(r, s, strict=True)] for r, s in zip(a, b, strict=True)]
    assert equivalent(f"{latex(a)} + {latex(b)}", latex(total))
    assert equivalent(latex(a) + latex(b), latex(times(a, b)))
    assert equivalent(f"{latex(a)}^3", latex(times(times(a, a), a)))
    assert equivalent(f"2{latex(a)}", latex([[2 * x for x in row] for row in a]))
    assert equivalent(rf"\frac{{{latex(a)}}}{{2}}", rf"\frac12{latex(a)}")


def test_letters_may_stand_in_the_cells() -> None:
    with_letters = r"\begin{pmatrix}x & 1 \\ y & 2\end{pmatrix}"
    assert equivalent(with_letters + " + " + with_letters, "2" + with_letters)
    assert not equivalent(with_letters, with_letters.replace("x", "z"))


@pytest.mark.parametrize(
    "text",
    [
        r"\begin{pmatrix}1&2\\3&4\end{pmatrix} + 1",
        r"\begin{pmatrix}1&2\end{pmatrix} + \begin{pmatrix}1\\2\end{pmatrix}",
        r"\begin{pmatrix}1&2\end{pmatrix}\begin{pmatrix}1&2\end{pmatrix}",
        r"\begin{pmatrix}1&2\\3&4\end{pmatrix}^{x}",
        r"\begin{pmatrix}1&2\\3&4\end{pmatrix}^{10000}",
        r"1 / \begin{pmatrix}1&2\\3&4\end{pmatrix}",
    ],
)
def test_what_does_not_fit_is_text(text: str) -> None:
    assert str(answer_key(text)).startswith("text")
