"""The schedules of the learning rate.

- `rate_factor`: the share of the peak rate that a step has.
- `Schedule`: the names of the courses that it can take.
"""

from __future__ import annotations

import math
from typing import Literal

__all__ = ["Schedule", "rate_factor"]

Schedule = Literal["constant", "cosine", "warmup-cosine"]


def rate_factor(schedule: Schedule, step: int, steps: int, warmup: int) -> float:
    """Returns what the peak rate is multiplied by.

    Args:
        schedule: `"constant"`: up in a line, then level. `"cosine"`: the same line times a half
            cosine over the whole run. `"warmup-cosine"`: a line that begins at exactly 0, then a
            half cosine over the steps that are left, as in the reference implementation of TTRL.
        step: The step, from 0.
        steps: Steps of the run.
        warmup: Steps of the line.

    >>> [rate_factor("warmup-cosine", step, 12, 2) for step in (0, 1, 2, 7, 12)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if schedule == "warmup-cosine":
        if step < warmup:
            return step / warmup
        return _half_cosine((step - warmup) / max(steps - warmup, 1))
    rising = min(1.0, (step + 1) / max(warmup, 1))
    return rising if schedule == "constant" else rising * _half_cosine(step / max(steps, 1))


def _half_cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))
