"""How far a mean over questions may be off.

- `Interval`: a mean with its 95 % interval.
- `bootstrap_intervals`: the intervals of several means over the same questions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Interval", "bootstrap_intervals"]

RESAMPLES = 2_000
_MOST_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A mean over questions with its 95 % bootstrap interval.

    Attributes:
        mean: The mean.
        low: 2.5th percentile of the means of resampled questions.
        high: 97.5th percentile.
    """

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap_intervals(values: npt.ArrayLike) -> list[Interval]:
    """Returns the 95 % percentile-bootstrap interval of each column's mean.

    Questions are drawn with replacement, always the same draws, so equal values give equal
    intervals. Completions of one question are kept together: they are not independent.

    Args:
        values: One row a question, one column a score, shape (questions, scores).

    Raises:
        ValueError: There is no question.

    >>> print(*bootstrap_intervals([[0.0, 1.0], [1.0, 1.0], [1.0, 1.0], [0.0, 1.0]]))
    0.500 [0.000, 1.000] 1.000 [1.000, 1.000]
    """
    scores = np.asarray(values, np.float64)
    count = len(scores)
    if count == 0:
        raise ValueError("a mean over questions needs at least one")
    rng = np.random.default_rng(0)
    block = max(1, _MOST_AT_ONCE // count)  # bounds the memory, whatever the benchmark's size
    means = np.concatenate(
        [
            _count_draws(rng, min(block, RESAMPLES - start), count) @ scores / count
            for start in range(0, RESAMPLES, block)
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return [
        Interval(float(mean), float(least), float(most))
        for mean, least, most in zip(scores.mean(axis=0), low, high, strict=True)
    ]


def _count_draws(rng: np.random.Generator, resamples: int, count: int) -> npt.NDArray[np.float64]:
    """How often each resample holds each question, shape (resamples, count)."""
    drawn = rng.integers(count, size=(resamples, count))
    drawn += count * np.arange(resamples)[:, None]
    times = np.bincount(drawn.ravel(), minlength=resamples * count)
    return times.reshape(resamples, count).astype(np.float64)
