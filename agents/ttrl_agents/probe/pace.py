"""The time that learning takes to make votes agree, from how far they agree now.

- `steps_to_agreement`: how many steps until the majority ratio reaches a target.
- `share_after`: the share of votes that an answer has after some steps.
- `TARGET`, `PACE`: the target, and how far a step of the tiny reasoner leads.

GRPO divides the advantage by its standard deviation. For an answer with the share p of the votes,
rewarded 1 where all others get 0, the expected push of an update on its log-odds is then
proportional to sqrt(p (1 - p)), so that p itself moves by (p (1 - p))^(3/2), and

    u = (2 p - 1) / sqrt(p (1 - p))

grows by the same amount, the pace, at each step of the full learning rate. The pace depends on the
model and its learning rate, which no vote tells; that of the tiny reasoner was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["PACE", "TARGET", "share_after", "steps_to_agreement"]

TARGET = 0.9
PACE = 0.1
_MOST_STEPS = 1e6


def share_after(share: float, way: float) -> float:
    """Returns the share of votes that an answer has when u has grown by `way`.

    Args:
        share: Its share now. 0 and 1 stay as they are: there is nothing to prefer.
        way: By how much u has grown: steps times pace.

    >>> round(share_after(0.5, 0.0), 3), round(share_after(0.5, 4.0), 3), share_after(1.0, 4.0)
    (0.5, 0.947, 1.0)
    """
    if share in (0, 1):
        return share
    u = (2 * share - 1) / math.sqrt(share * (1 - share)) + way
    return (1 + u / math.hypot(u, 2)) / 2


def steps_to_agreement(
    shares: Sequence[float], *, pace: float = PACE, target: float = TARGET
) -> float | None:
    """Returns after how many steps the mean share of the winners reaches a target.

    Args:
        shares: The majority ratio of each question.
        pace: The growth of u in a step of the full learning rate.
        target: The mean share to reach.

    Returns:
        The steps, 0 if it is reached already; `None` if it is never reached, since too many
        questions have no answer.

    >>> steps_to_agreement([1.0, 0.5], pace=0.1) == steps_to_agreement([1.0, 0.5], pace=0.2) * 2
    True
    >>> print(steps_to_agreement([0.0, 0.5]))
    None
    """

    def mean(way: float) -> float:
        return math.fsum(share_after(each, way) for each in shares) / len(shares)

    if mean(0) >= target:
        return 0.0
    low, high = 0.0, 1.0
    while mean(high) < target:
        low, high = high, 2 * high
        if high > _MOST_STEPS:
            return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if mean(middle) < target else (low, middle)
    return high / pace
