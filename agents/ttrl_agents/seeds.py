"""Seeds for everything that is drawn in a run, each a pure function of the run's seed.

- `derive_seed`: the seed of one draw.
- `completion_seeds`: the seeds of a question's completions.
- `Stream`: what is drawn.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum

import numpy as np

__all__ = ["Stream", "completion_seeds", "derive_seed"]


class Stream(IntEnum):
    """What is drawn; each has seeds of its own."""

    SAMPLING = 1
    EVALUATION = 2
    SPLIT = 3
    MINIBATCHES = 4
    LORA = 7


def derive_seed(seed: int, stream: Stream, index: int = 0, *more: int) -> int:
    """Returns the seed of draw `index` of a stream: no state to save, none to restore.

    Args:
        seed: The run's seed.
        stream: What is drawn.
        index: Which draw, e.g. the step.
        more: Which draw within that one, e.g. the epoch.
    """
    entropy = [seed, stream, index, *more]
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])


def completion_seeds(seed: int, question_id: str, count: int) -> list[int]:
    """Returns the seed of each of a question's completions.

    They do not depend on what else is asked, and those of fewer completions are the first of
    those of more.

    >>> completion_seeds(0, "q", 4)[:2] == completion_seeds(0, "q", 2)
    True
    """
    name = hashlib.blake2b(question_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    sequence = np.random.SeedSequence([seed, int.from_bytes(name, "big")])
    return [int(each) for each in sequence.generate_state(count, np.uint64)]
