"""A part of a text always knows where it stands."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ttrl_env.answers.text.pieces import Piece


@given(text=st.text("ab .*", max_size=20), start=st.integers(-25, 25), stop=st.integers(-25, 25))
def test_every_part_stands_where_it_says(text: str, start: int, stop: int) -> None:
    whole = "xyz" + text
    piece = Piece(text, 3)
    for part in (
        piece.part(start, stop),
        piece.part(start, stop).strip(),
        piece.strip(" *"),
        piece.without(re.compile("b")),
        piece.after(re.compile("a+")),
    ):
        assert whole[part.start : part.stop] == part.text


def test_a_group_of_a_match_is_a_piece() -> None:
    piece = Piece("x = 5", 10)
    found = re.search(r"(z)|(\d)", piece.text)
    assert found is not None
    assert piece.group(found) == Piece("5", 14)
