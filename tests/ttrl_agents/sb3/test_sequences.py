"""Rows that begin others are found, whatever the order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.sb3.sequences import longest_sequences

ROWS = st.lists(st.lists(st.sampled_from([0, 1, 256, 2**40]), min_size=1, max_size=5), min_size=1)


@given(ROWS)
def test_every_row_begins_the_one_it_is_given(rows: list[list[int]]) -> None:
    table = np.full((len(rows), 6), 7, dtype=np.int64)  # padding that must not be looked at
    for row, ids in zip(table, rows, strict=True):
        row[: len(ids)] = ids
    longest, place = longest_sequences(table, [len(ids) for ids in rows])
    for ids, at in zip(rows, place, strict=True):
        assert rows[longest[at]][: len(ids)] == ids
    kept = [rows[i] for i in longest]
    for i, one in enumerate(kept):
        assert not any(other[: len(one)] == one for j, other in enumerate(kept) if i != j)
