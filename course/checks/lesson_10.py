"""The checks of lesson 10."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from course_tools.checking import Check, Mistake, compare

Array = np.ndarray
Config = dict[str, int]


def _matrices(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    yield np.array([0.3, 0.2]), np.array([[0.9, 0.5], [0.4, 0.8]])
    for tests in (3, 5, 4):
        yield rng.random(tests), rng.random((tests, tests))


def _gains(before: Array, after: Array) -> Array:
    n = range(len(before))
    home = [after[i, i] - before[i] for i in n]
    abroad = [after[i, j] - before[j] for i in n for j in n if i != j]
    return np.array([np.mean(home), np.mean(abroad)])


def _configs(rng: np.random.Generator) -> Iterator[tuple[Config]]:
    names = ("hidden", "layers", "inner", "heads", "kv_heads", "head_size", "vocabulary")
    yield (dict(zip(names, (4, 2, 10, 4, 2, 3, 20), strict=True)),)
    for _ in range(4):
        numbers = rng.integers(2, 60, size=7).tolist()
        yield (dict(zip(names, numbers, strict=True)),)


def _count(
    config: Config,
    *,
    heads: str = "kv_heads",
    matrices: int = 3,
    ends: int = 2,
    layers: str = "layers",
    biases: bool = True,
) -> int:
    """Counts weights; the options are what is easily forgotten."""
    h, size = config["hidden"], config["head_size"]
    q, k = config["heads"] * size, config[heads] * size
    layer = h * q + h * k + h * k + q * h + matrices * h * config["inner"] + 2 * h
    layer += (q + 2 * k) if biases else 0
    return config.get(layers, 1) * layer + h + ends * config["vocabulary"] * h


def _trainings(rng: np.random.Generator) -> Iterator[tuple[int, int, bool]]:
    yield 0, 7_000_000_000, False
    yield 0, 7_000_000_000, True
    for reference in (False, True):
        frozen, trained = rng.integers(1_000_000, 10_000_000_000, size=2).tolist()
        yield frozen, trained, reference
        yield 0, trained, reference


def _bytes(
    frozen: int, trained: int, reference: bool, *, used: int = 2, each: int = 18, always: Any = None
) -> float:
    copied = frozen + trained if always else (0 if frozen else trained)
    return (used * frozen + each * trained + (2 * copied if reference else 0)) / 1e9


CHECKS: dict[str, Check] = {
    "10.1": compare(
        _gains,
        _matrices,
        mistakes=[
            Mistake(
                "These are scores after training. A gain is the score less that before.",
                lambda b, a: _gains(np.zeros(len(b)), a),
            ),
            Mistake(
                "Abroad is everything *but* the diagonal; you took the mean of the whole matrix.",
                lambda b, a: np.array([_gains(b, a)[0], (a - b).mean()]),
            ),
            Mistake(
                "You exchanged the two: home comes first.",
                lambda b, a: _gains(b, a)[::-1],
            ),
        ],
    ),
    "10.2": compare(
        _count,
        _configs,
        mistakes=[
            Mistake(
                "Keys and values are as many as queries in your count. They have kv_heads heads.",
                lambda c: _count(c, heads="heads"),
            ),
            Mistake(
                "The feed-forward part has three matrices, not two.",
                lambda c: _count(c, matrices=2),
            ),
            Mistake(
                "The embedding and the head are two matrices of vocabulary · hidden; you counted "
                "one.",
                lambda c: _count(c, ends=1),
            ),
            Mistake(
                "You counted one layer; there are `layers` of them.",
                lambda c: _count(c, layers="one"),
            ),
            Mistake(
                "The biases of queries, keys and values are missing.",
                lambda c: _count(c, biases=False),
            ),
        ],
    ),
    "10.3": compare(
        _bytes,
        _trainings,
        mistakes=[
            Mistake(
                "With adapters the reference costs nothing: the frozen model is the reference.",
                lambda f, t, r: _bytes(f, t, r, always=True),
            ),
            Mistake(
                "The reference is missing: 2 bytes for each weight, if all weights are trained.",
                lambda f, t, r: _bytes(f, t, False),
            ),
            Mistake(
                "AdamW keeps two moments, of 4 bytes each.",
                lambda f, t, r: _bytes(f, t, r, each=14),
            ),
            Mistake(
                "A trained weight takes 2 bytes for itself, besides copy, gradient and moments.",
                lambda f, t, r: _bytes(f, t, r, each=16),
            ),
            Mistake(
                "Frozen weights are there too: 2 bytes each.",
                lambda f, t, r: _bytes(f, t, r, used=0),
            ),
            Mistake(
                "These are bytes; a gigabyte is 10⁹ of them.",
                lambda f, t, r: _bytes(f, t, r) * 1e9,
            ),
            Mistake(
                "You divided by 2³⁰. A gigabyte is 10⁹ bytes; 2³⁰ is a gibibyte.",
                lambda f, t, r: _bytes(f, t, r) * 1e9 / 2**30,
            ),
        ],
    ),
}
