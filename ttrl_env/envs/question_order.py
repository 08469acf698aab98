"""The order of questions: a pure function of the seed, the epoch and the slot.

- `QuestionOrder`: the endless sequence of questions, epoch after epoch.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["QuestionOrder"]


@lru_cache(maxsize=64)
def _permutation(seed: int, epoch: int, size: int) -> npt.NDArray[np.int64]:
    order = np.random.default_rng(np.random.SeedSequence([seed, epoch])).permutation(size)
    order.flags.writeable = False
    return order


class QuestionOrder:
    """An endless sequence of questions: every epoch shows each once, in an order of its own.

    Args:
        size: The number of questions.
        seed: Names the sequence.

    >>> order = QuestionOrder(size=3, seed=0)
    >>> sorted(order[position] for position in range(3))
    [0, 1, 2]
    >>> order[7] == QuestionOrder(3, 0)[7]
    True
    """

    def __init__(self, size: int, seed: int) -> None:
        if seed < 0:
            raise ValueError(f"seed must be 0 or larger, not {seed}")
        self.size = size
        self.seed = seed

    def __getitem__(self, position: int) -> int:
        """Returns the index of the question at a position, counted from the first epoch on."""
        epoch, slot = divmod(position, self.size)
        return int(_permutation(self.seed, epoch, self.size)[slot])
