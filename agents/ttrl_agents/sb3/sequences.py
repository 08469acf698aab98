"""The sequences of which other observations are prefixes.

- `longest_sequences`: the few sequences that hold all others as prefixes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["longest_sequences"]


def longest_sequences(
    ids: npt.NDArray[np.int64], lengths: Sequence[int] | npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Finds, for each row of token ids, a longest row that begins with it.

    A causal model that reads a sequence has read all of its beginnings: only the rows that are not
    a prefix of another need to be read. The comparison is exact and takes the time of one sort.

    Args:
        ids: Token ids, shape (rows, width).
        lengths: How many of each row are tokens.

    Returns:
        The rows that are not a prefix of another, and for each row the place of one among them of
        which it is a prefix (itself, if it is one of them).

    >>> rows, place = longest_sequences(np.array([[7, 8, 0], [7, 8, 9], [7, 0, 0]]), [2, 3, 1])
    >>> rows.tolist(), place.tolist()
    ([1], [0, 0, 0])
    """
    keys = [row[:length].tobytes() for row, length in zip(ids, lengths, strict=True)]
    # In this order a row comes right before a row of which it is a prefix, if there is any.
    order = sorted(range(len(keys)), key=keys.__getitem__)
    place = np.zeros(len(keys), dtype=np.int64)
    longest: list[int] = []
    for row, following in zip(reversed(order), [None, *reversed(order)], strict=False):
        if following is None or not keys[following].startswith(keys[row]):
            longest.append(row)
        place[row] = len(longest) - 1
    return np.array(longest, dtype=np.int64), place
