"""The checks of lesson 3."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from course_tools.checking import Check, Mistake, compare

Array = np.ndarray


def _probabilities(rng: np.random.Generator) -> Array:
    weights = np.exp(rng.normal(size=10))
    return weights / weights.sum()


def _policies(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    one = np.zeros(10)
    one[7] = 1.0
    yield np.full(10, 0.1), one
    for _ in range(4):
        yield _probabilities(rng), rng.normal(size=10)


def _draws(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array, float]]:
    for n, baseline in ((2, 0.0), (3, 0.5), (16, -1.5), (5, 2.0)):
        yield _probabilities(rng), rng.integers(10, size=n), rng.normal(size=n), baseline


def _exact(p: Array, r: Array) -> Array:
    return np.array([sum(p[a] * r[a] * ((a == k) - p[k]) for a in range(10)) for k in range(10)])


def _estimate(p: Array, actions: Array, r: Array, b: float) -> Array:
    total = np.zeros(10)
    for action, reward in zip(actions, r, strict=True):
        score = -p.copy()
        score[action] += 1
        total += (reward - b) * score
    return total / len(actions)


def _best(p: Array, r: Array) -> float:
    lengths = [sum(((a == k) - p[k]) ** 2 for k in range(10)) for a in range(10)]
    return float(np.average(r, weights=p * lengths))


CHECKS: dict[str, Check] = {
    "3.1": compare(
        _exact,
        _policies,
        mistakes=[
            Mistake(
                "This is π(k) r(k), as if the other probabilities stayed the same. But they add up "
                "to 1: when one grows, the others shrink. Subtract their share, J.",
                lambda p, r: p * r,
            ),
            Mistake(
                "You subtract the plain mean of the ten rewards. J weights each reward with the "
                "probability of its digit.",
                lambda p, r: p * (r - r.mean()),
            ),
            Mistake(
                "The factor π(k) in front is missing: each derivative is π(k) times something.",
                lambda p, r: r - p @ r,
            ),
            Mistake(
                "This is π(k) (1 - π(k)) r(k), the terms with a = k alone. The terms with a ≠ k "
                "count too: their derivative is -π(a) π(k).",
                lambda p, r: p * (1 - p) * r,
            ),
        ],
    ),
    "3.2": compare(
        _estimate,
        _draws,
        mistakes=[
            Mistake(
                "You add up the draws; take their mean (divide by n).",
                lambda p, a, r, b: _estimate(p, a, r, b) * len(a),
            ),
            Mistake(
                "The baseline is not subtracted from the rewards.",
                lambda p, a, r, b: _estimate(p, a, r, 0.0),
            ),
            Mistake(
                "The baseline is added; subtract it.",
                lambda p, a, r, b: _estimate(p, a, r, -b),
            ),
            Mistake(
                "The score of a draw is 1[a = k] - π(k). You left out the - π(k).",
                lambda p, a, r, b: ((r - b)[:, None] * np.eye(10)[a]).mean(axis=0),
            ),
            Mistake(
                "You average over the wrong axis: the result needs one number for each digit, so "
                "average over the draws (axis=0).",
                lambda p, a, r, b: ((r - b)[:, None] * (np.eye(10)[a] - p)).mean(axis=1),
            ),
        ],
    ),
    "3.3": compare(
        _best,
        _policies,
        mistakes=[
            Mistake(
                "This is the mean reward: a good baseline, but not the best. Weight each digit "
                "with the squared length of its score as well.",
                lambda p, r: float(p @ r),
            ),
            Mistake(
                "You add up over the digits a. The squared length of a score is a sum over k: if "
                "row a is the score of a, that is axis=1.",
                lambda p, r: float(np.average(r, weights=p * ((np.eye(10) - p) ** 2).sum(axis=0))),
            ),
            Mistake(
                "You forgot to divide: b* is E[r s²] / E[s²].",
                lambda p, r: float(p * ((np.eye(10) - p) ** 2).sum(axis=1) @ r),
            ),
            Mistake(
                "You weight with the length of the score; weight with its square.",
                lambda p, r: float(
                    np.average(r, weights=p * np.sqrt(((np.eye(10) - p) ** 2).sum(axis=1)))
                ),
            ),
            Mistake(
                "The digits are weighted with their squared scores alone. An expectation weights "
                "them with their probabilities too.",
                lambda p, r: float(np.average(r, weights=((np.eye(10) - p) ** 2).sum(axis=1))),
            ),
        ],
    ),
}
