"""The checks of lesson 6."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from course_tools.checking import Check, Mistake, compare

Array = np.ndarray


def _groups(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    yield np.array([[1.0, -1.0, 0.0]]), np.array([[True, False, False]])
    for chance in (0.3, 0.5, 0.8):
        right = rng.random((6, 8)) < chance
        right[0], right[1] = True, False  # a group without a wrong one, and one without a right one
        yield rng.normal(size=(6, 8)) + right, right


def _signal(advantages: Array, right: Array) -> float:
    found = []
    for group, good in zip(advantages, right, strict=True):
        if 0 < good.sum() < len(good):
            found.append(sum(group * good) / good.sum() - sum(group * ~good) / (~good).sum())
    return float(np.mean(found))


def _over_all(advantages: Array, right: Array) -> float:
    return float(advantages[right].mean() - advantages[~right].mean())


def _with_empty_groups(advantages: Array, right: Array) -> float:
    mixed = right.any(axis=1) & ~right.all(axis=1)
    return _signal(advantages, right) * float(mixed.mean())


def _only_right(advantages: Array, right: Array) -> float:
    mixed = right.any(axis=1) & ~right.all(axis=1)
    pairs = zip(advantages[mixed], right[mixed], strict=True)
    return float(np.mean([group[good].mean() for group, good in pairs]))


def _ballots(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    yield np.array([9, 5, 7, 5]), np.array([0, 1, 0, 2])
    yield np.array([9, 3, 7, 7]), np.array([0, -1, 1, 0])
    yield np.array([4, 6]), np.array([-1, -1])
    yield np.array([6, 6, 6]), np.array([0, 1, 1])
    yield np.array([8, 6, 4, 10]), np.array([1, 0, 0, 1])
    for _ in range(4):
        yield rng.integers(4, 20, size=8), rng.integers(-1, 3, size=8)


def _shortest(lengths: Array, votes: Array) -> Array:
    allowed = [length for length, vote in zip(lengths, votes, strict=True) if vote >= 0]
    least = min(allowed, default=0)
    pairs = zip(lengths, votes, strict=True)
    return np.array([float(v >= 0 and length == least) for length, v in pairs])


def _first_of_shortest(lengths: Array, votes: Array) -> Array:
    rewards = _shortest(lengths, votes)
    return rewards * (np.cumsum(rewards) <= 1)


def _winner(votes: Array) -> int:
    given = votes[votes >= 0].tolist()
    return max(given, key=given.count) if given else -2


def _share(lengths: Array, among: Array) -> Array:
    """How far each length is from the least to the largest of some."""
    if not among.any():
        return np.zeros(len(lengths))
    least, largest = lengths[among].min(), lengths[among].max()
    return (lengths - least) / max(largest - least, 1)


def _brief(lengths: Array, votes: Array, *, weight: float = 0.5) -> Array:
    agree = votes == _winner(votes)
    return agree * (1 - weight * _share(lengths, np.ones(len(votes), dtype=bool)))


def _brief_among_winners(lengths: Array, votes: Array) -> Array:
    agree = votes == _winner(votes)
    return agree * (1 - 0.5 * _share(lengths, agree))


def _brief_for_all(lengths: Array, votes: Array) -> Array:
    return 1 - 0.5 * _share(lengths, np.ones(len(votes), dtype=bool))


def _brief_with_absent(lengths: Array, votes: Array) -> Array:
    values = votes.tolist()
    agree = votes == max(values, key=values.count)
    return agree * _brief_for_all(lengths, votes)


CHECKS: dict[str, Check] = {
    "6.1": compare(
        _signal,
        _groups,
        mistakes=[
            Mistake(
                "You compared over all groups at once. Then a group with many right answers counts "
                "more. Take the difference in each group, and average the differences.",
                _over_all,
            ),
            Mistake(
                "You counted groups that are all right or all wrong as 0; leave them out of the "
                "average.",
                _with_empty_groups,
            ),
            Mistake(
                "This is the mean advantage of the right completions; subtract that of the wrong.",
                _only_right,
            ),
        ],
    ),
    "6.2": compare(
        _shortest,
        _ballots,
        mistakes=[
            Mistake(
                "The shortest completion has no answer in some groups, and then you reward it or "
                "nobody. Look for the least length among those with an answer (votes >= 0).",
                lambda n, v: (n == n.min()).astype(float),
            ),
            Mistake(
                "The shortest completion has no answer in some groups, and then nobody is "
                "rewarded. Look for the least length among those with an answer (votes >= 0).",
                lambda n, v: ((n == n.min()) & (v >= 0)).astype(float),
            ),
            Mistake("If several are equally short, all of them earn 1.", _first_of_shortest),
            Mistake("You reward the longest.", lambda n, v: _shortest(-n, v)),
        ],
    ),
    "6.3": compare(
        _brief,
        _ballots,
        mistakes=[
            Mistake(
                "Everybody earns something here. Those who do not agree with the majority earn 0.",
                _brief_for_all,
            ),
            Mistake(
                "You took the least and the largest length among those who agree; take them in the "
                "whole group.",
                _brief_among_winners,
            ),
            Mistake(
                "An absent answer (-1) has won a vote. It never wins.",
                _brief_with_absent,
            ),
            Mistake("The factor 1/2 is missing.", lambda n, v: _brief(n, v, weight=1.0)),
            Mistake(
                "This is the plain majority; the length does not count yet.",
                lambda n, v: _brief(n, v, weight=0.0),
            ),
        ],
    ),
}
