"""How many questions it takes to see a difference.

- `questions_needed`: for a difference of some size.
- `detectable_difference`: for a number of questions.

Both are the normal approximation for a paired comparison: a difference d is seen, at the two-sided
5 % level, with a chance of 80 % if n = (1.960 + 0.842)² · s² / d², where s is the standard
deviation over questions of the difference between the two policies.
"""

from __future__ import annotations

import math
from statistics import NormalDist

__all__ = ["detectable_difference", "questions_needed"]


def questions_needed(
    difference: float, deviation: float, *, level: float = 0.05, power: float = 0.8
) -> int:
    """Returns how many questions show a difference.

    Args:
        difference: The true difference of the means, e.g. 0.05 for 5 points.
        deviation: The standard deviation over questions of the difference of the two policies;
            `ttrl compare` prints it.
        level: The chance of seeing a difference where there is none.
        power: The chance of seeing this one.

    >>> questions_needed(0.05, 0.3)
    283
    """
    return math.ceil((_quantiles(level, power) * deviation / difference) ** 2)


def detectable_difference(
    questions: int, deviation: float, *, level: float = 0.05, power: float = 0.8
) -> float:
    """Returns the smallest difference that so many questions show.

    >>> round(detectable_difference(30, 0.3), 3)
    0.153
    """
    return _quantiles(level, power) * deviation / math.sqrt(questions)


def _quantiles(level: float, power: float) -> float:
    normal = NormalDist()
    return normal.inv_cdf(1 - level / 2) + normal.inv_cdf(power)
