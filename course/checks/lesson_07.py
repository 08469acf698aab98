"""The checks of lesson 7."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from course_tools.checking import Check, Mistake, compare

Array = np.ndarray


def _samples(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    for questions, samples in ((4, 50), (20, 400), (7, 2_000)):
        yield rng.random(questions), rng.integers(questions, size=(samples, questions))


def _interval(scores: Array, draws: Array) -> Array:
    means = np.array([np.mean([scores[i] for i in draw]) for draw in draws])
    return np.array([np.percentile(means, 2.5), np.percentile(means, 97.5)])


def _splits(rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    yield from ((3, 1), (1, 3), (2, 2), (0, 5), (0, 0))
    yield from map(tuple, rng.integers(20, size=(4, 2)).tolist())


def _tail(wins: int, losses: int, *, most: int | None = None) -> float:
    """The chance of at most so many heads."""
    throws, most = wins + losses, min(wins, losses) if most is None else most
    return sum(math.comb(throws, i) for i in range(most + 1)) / 2**throws


def _p_value(wins: int, losses: int) -> float:
    return min(1.0, 2 * _tail(wins, losses))


def _plans(rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    yield 0.05, 0.3
    for _ in range(5):
        yield rng.uniform(0.01, 0.3), rng.uniform(0.1, 0.7)


def _needed(difference: float, deviation: float) -> int:
    return math.ceil((2.802 * deviation) ** 2 / difference**2)


CHECKS: dict[str, Check] = {
    "7.1": compare(
        _interval,
        _samples,
        mistakes=[
            Mistake(
                "These are the percentiles of the scores themselves. Take the mean of each sample "
                "first: `scores[draws].mean(axis=1)`.",
                lambda s, d: np.percentile(s, [2.5, 97.5]),
            ),
            Mistake(
                "You did not average: these are percentiles of all drawn scores. Take the mean of "
                "each sample first.",
                lambda s, d: np.percentile(s[d], [2.5, 97.5]),
            ),
            Mistake(
                "You averaged over the samples (axis=0). Average over the questions of each "
                "sample, axis=1.",
                lambda s, d: np.percentile(s[d].mean(axis=0), [2.5, 97.5]),
            ),
            Mistake(
                "This is the middle 90 %. Of 95 %, half of the 5 % is left out on each side: the "
                "percentiles are 2.5 and 97.5.",
                lambda s, d: np.percentile(s[d].mean(axis=1), [5, 95]),
            ),
            Mistake(
                "np.percentile counts in percent: 2.5 and 97.5, not 0.025 and 0.975.",
                lambda s, d: np.percentile(s[d].mean(axis=1), [0.025, 0.975]),
            ),
        ],
    ),
    "7.2": compare(
        _p_value,
        _splits,
        mistakes=[
            Mistake(
                "This is the one-sided chance. An uneven split in the other direction counts too: "
                "multiply by 2, but do not go above 1.",
                _tail,
            ),
            Mistake(
                "A chance is at most 1. With equally many wins and losses the two sides overlap.",
                lambda w, lost: 2 * _tail(w, lost),
            ),
            Mistake(
                "This is the chance of exactly this split. Add the more uneven ones: i from 0 on.",
                lambda w, lost: min(1.0, 2 * math.comb(w + lost, min(w, lost)) / 2 ** (w + lost)),
            ),
            Mistake(
                "The split itself is missing: `range(m)` ends before m. The sum includes m.",
                lambda w, lost: min(1.0, 2 * _tail(w, lost, most=min(w, lost) - 1)),
            ),
            Mistake(
                "You sum up to the larger of wins and losses; sum up to the smaller.",
                lambda w, lost: min(1.0, 2 * _tail(w, lost, most=max(w, lost))),
            ),
        ],
    ),
    "7.3": compare(
        _needed,
        _plans,
        mistakes=[
            Mistake(
                "The square is missing: half the difference needs four times the questions.",
                lambda x, s: math.ceil(2.802 * s / x),
            ),
            Mistake(
                "You left out the 0.842. With as few questions, the chance to see the difference "
                "is only a half.",
                lambda x, s: math.ceil((1.960 * s / x) ** 2),
            ),
            Mistake(
                "You rounded down; round up (math.ceil).",
                lambda x, s: math.floor((2.802 * s / x) ** 2),
            ),
            Mistake(
                "A whole number is asked for: round up (math.ceil).",
                lambda x, s: (2.802 * s / x) ** 2,
            ),
            Mistake(
                "You exchanged the difference and the deviation.",
                lambda x, s: math.ceil((2.802 * x / s) ** 2),
            ),
        ],
    ),
}
