"""Seeds for everything that is drawn in a run, each a pure function of the run's seed.

- `derive_seed`: the seed of one draw.
- `Stream`: what is drawn.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

__all__ = ["Stream", "derive_seed"]


class Stream(IntEnum):
    """What is drawn; each has seeds of its own."""

    SAMPLING = 1
    EVALUATION = 2
    SPLIT = 3
    LORA = 7


def derive_seed(seed: int, stream: Stream, index: int = 0) -> int:
    """Returns the seed of draw `index` of a stream: no state to save, none to restore."""
    return int(np.random.SeedSequence([seed, stream, index]).generate_state(1, np.uint64)[0])
