"""The statistics of evaluations: intervals, a paired test, pass@k, sample sizes.

- `Interval`, `bootstrap_intervals`: means over questions with their 95 % intervals.
- `sign_flip_p_value`: the exact paired permutation test of two policies on the same questions.
- `pass_at_k`: the unbiased pass@k from n completions, of which c are right.
- `questions_needed`, `detectable_difference`: how many questions show a difference of some size.

The last two are the normal approximation for a paired comparison: a difference d is seen, at the
two-sided 5 % level, with a chance of 80 % if n = (1.960 + 0.842)² · s² / d², where s is the
standard deviation over questions of the difference between the two policies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

__all__ = [
    "Interval",
    "bootstrap_intervals",
    "detectable_difference",
    "pass_at_k",
    "questions_needed",
    "sign_flip_p_value",
]

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

    Questions are resampled with replacement, with a fixed seed, so equal values give equal
    intervals. Completions of one question are kept together: they are not independent.

    Args:
        values: One row per question, one column per score, shape (questions, scores).

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


def sign_flip_p_value(differences: Sequence[int]) -> float:
    """Returns the two-sided p-value of the paired permutation test, exactly.

    If two policies are alike, each question's difference could as well have the other sign. The
    p-value is the share of all sign patterns whose sum is at least as far from 0 as the observed
    sum. With differences of -1, 0 and 1 it is the exact McNemar (sign) test.

    Args:
        differences: One whole number per question, such as the right completions of one policy
            minus those of the other.

    >>> sign_flip_p_value([1, 1, 1, 1, 0]), sign_flip_p_value([2, -2, 3])
    (0.125, 0.75)
    """
    sizes = [abs(int(each)) for each in differences if each]
    observed = abs(sum(int(each) for each in differences))
    total = sum(sizes)
    # The distribution of the sum, one question after another: index i stands for i - reach.
    chances, reach = np.ones(1), 0
    for size in sizes:
        wider = np.zeros(2 * (reach + size) + 1)
        wider[: 2 * reach + 1] += 0.5 * chances
        wider[2 * size :] += 0.5 * chances
        chances, reach = wider, reach + size
    sums = np.abs(np.arange(-total, total + 1))
    return min(1.0, float(chances[sums >= observed].sum()))


def pass_at_k(n: int, c: int, k: int) -> float:
    """Returns the chance that k of n completions, drawn without replacement, hold a right one.

    1 - C(n - c, k) / C(n, k), which over new draws of the n completions is an unbiased estimate
    of the chance that k completions hold a right one; 1 - (1 - c/n)^k is not. Source: Chen et
    al., arXiv 2107.03374, equation 1.

    Args:
        n: Completions.
        c: The right ones among them.
        k: Tries, from 1 to n.

    Raises:
        ValueError: The numbers do not fit together.

    >>> pass_at_k(4, 1, 1), pass_at_k(4, 1, 2), pass_at_k(4, 1, 4)
    (0.25, 0.5, 1.0)
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"of n={n} completions, c={c} cannot be right and k={k} be drawn")
    return (math.comb(n, k) - math.comb(n - c, k)) / math.comb(n, k)


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
    """Returns the smallest difference that this many questions can show.

    >>> round(detectable_difference(30, 0.3), 3)
    0.153
    """
    return _quantiles(level, power) * deviation / math.sqrt(questions)


def _quantiles(level: float, power: float) -> float:
    normal = NormalDist()
    return normal.inv_cdf(1 - level / 2) + normal.inv_cdf(power)
