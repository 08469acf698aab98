"""The checks of lesson 8."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from course_tools.checking import Check, Mistake, compare

Array = np.ndarray


def _tokens(rng: np.random.Generator) -> Iterator[tuple[Array, Array, float, float]]:
    yield np.array([0.5, 1.0, 1.5]), np.ones(3), 0.2, 0.2
    yield np.array([0.5, 1.0, 1.5]), -np.ones(3), 0.2, 0.2
    for low, high in ((0.2, 0.28), (0.1, 0.4), (0.3, 0.1)):
        yield np.exp(rng.normal(0, 0.5, size=8)), rng.normal(size=8), low, high


def _clipped(ratio: Array, advantages: Array, low: float, high: float) -> Array:
    found = []
    for rho, a in zip(ratio, advantages, strict=True):
        bound = 1 + high if a > 0 else 1 - low
        held = min(rho, bound) if a > 0 else max(rho, bound)
        found.append(-held * a)
    return np.array(found)


def _cut(ratio: Array, low: float, high: float) -> Array:
    return np.clip(ratio, 1 - low, 1 + high)


def _pairs(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    yield np.array([-1.0, -2.0]), np.array([-2.0, -1.0])
    for spread in (0.1, 1.0, 2.0):
        first = -rng.exponential(size=6)
        yield first, first + spread * rng.normal(size=6)


def _k3(log_probs: Array, initial: Array) -> Array:
    return np.array([np.exp(q - p) + (p - q) - 1 for p, q in zip(log_probs, initial, strict=True)])


def _completions(rng: np.random.Generator) -> Iterator[tuple[Array, Array, float, float]]:
    yield np.array([0.0, 1.0]), np.array([0.5, 0.75]), 1.0, 1.0
    for length, gamma, trust in ((3, 1.0, 0.0), (5, 0.9, 0.95), (8, 0.97, 0.5), (1, 0.9, 0.9)):
        yield rng.normal(size=length), rng.normal(size=length), gamma, trust


def _deltas(rewards: Array, values: Array, gamma: float) -> Array:
    return rewards + gamma * np.append(values[1:], 0.0) - values


def _discounted(numbers: Array, factor: float) -> Array:
    n = len(numbers)
    return np.array([sum(factor ** (k - t) * numbers[k] for k in range(t, n)) for t in range(n)])


def _advantages(rewards: Array, values: Array, gamma: float, trust: float) -> Array:
    return _discounted(_deltas(rewards, values, gamma), gamma * trust)


CHECKS: dict[str, Check] = {
    "8.1": compare(
        _clipped,
        _tokens,
        mistakes=[
            Mistake(
                "This is the objective. A loss is to go down, so turn the sign.",
                lambda r, a, low, high: -_clipped(r, a, low, high),
            ),
            Mistake(
                "You took the larger of the two; the minimum makes PPO cautious.",
                lambda r, a, low, high: -np.maximum(r * a, _cut(r, low, high) * a),
            ),
            Mistake(
                "You took only the clipped ratio. Then a bad token that has become likelier is no "
                "longer pushed down. Take the minimum with ρA.",
                lambda r, a, low, high: -_cut(r, low, high) * a,
            ),
            Mistake(
                "You took the minimum of the ratios before multiplying by A. For a negative A the "
                "minimum has to be taken after it.",
                lambda r, a, low, high: -np.minimum(r, _cut(r, low, high)) * a,
            ),
            Mistake(
                "You swapped the two bounds: clip_low is below 1, clip_high above.",
                lambda r, a, low, high: _clipped(r, a, high, low),
            ),
            Mistake(
                "You averaged over the tokens; return one number for each.",
                lambda r, a, low, high: float(_clipped(r, a, low, high).mean()),
            ),
        ],
    ),
    "8.2": compare(
        _k3,
        _pairs,
        mistakes=[
            Mistake(
                "The exponent has the wrong sign: it is e^(-d), with d = log π - log π₀.",
                lambda p, q: np.exp(p - q) + (p - q) - 1,
            ),
            Mistake(
                "You exchanged the two policies: d is log_probs - initial_log_probs.",
                lambda p, q: np.exp(p - q) + (q - p) - 1,
            ),
            Mistake(
                "The - 1 is missing, so that two equal policies are at a distance of 1.",
                lambda p, q: np.exp(q - p) + (p - q),
            ),
            Mistake("This is k1.", lambda p, q: p - q),
            Mistake("This is k2.", lambda p, q: (p - q) ** 2 / 2),
        ],
    ),
    "8.3": compare(
        _advantages,
        _completions,
        mistakes=[
            Mistake(
                "These are the δ. Each advantage adds γλ times the advantage of the next token.",
                lambda r, v, gamma, trust: _deltas(r, v, gamma),
            ),
            Mistake(
                "You discount by γ alone; the next advantage is multiplied by γλ.",
                lambda r, v, gamma, trust: _discounted(_deltas(r, v, gamma), gamma),
            ),
            Mistake(
                "You discount by λ alone; the next advantage is multiplied by γλ.",
                lambda r, v, gamma, trust: _discounted(_deltas(r, v, gamma), trust),
            ),
            Mistake(
                "The critic's next value is missing: δ = r + γ V of the next token - V.",
                lambda r, v, gamma, trust: _discounted(r - v, gamma * trust),
            ),
            Mistake(
                "After the last token you took its own value again. There the value is 0.",
                lambda r, v, gamma, trust: _discounted(
                    r + gamma * np.append(v[1:], v[-1]) - v, gamma * trust
                ),
            ),
            Mistake(
                "These are the returns, A + V. The advantage does not have the value added.",
                lambda r, v, gamma, trust: _advantages(r, v, gamma, trust) + v,
            ),
        ],
    ),
}
