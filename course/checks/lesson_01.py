"""The checks of lesson 1."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from course_tools.checking import Check, Mistake, compare

Array = np.ndarray


def _log_softmax(logits: Array) -> Array:
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def _texts(rng: np.random.Generator) -> Iterator[tuple[Array, Array, int]]:
    for length, vocabulary, start in ((3, 2, 1), (4, 3, 2), (9, 5, 4), (20, 7, 3)):
        logits = rng.normal(scale=2, size=(length, vocabulary)).round(1)
        yield logits, rng.integers(vocabulary, size=length), start


def _rows(rng: np.random.Generator) -> Iterator[tuple[Array, float]]:
    for size, temperature in ((2, 1.0), (3, 0.5), (4, 2.0), (3, 0.0), (6, 0.6)):
        yield rng.normal(scale=2, size=size).round(1), temperature
    yield np.array([600.0, 0.0, -600.0]), 0.5


def _states(rng: np.random.Generator) -> Iterator[tuple[Array]]:
    for states, vocabulary in ((1, 2), (2, 3), (5, 4)):
        yield (rng.normal(scale=2, size=(states, vocabulary)).round(1),)
    yield (np.array([[900.0, 0.0, 0.0], [5.0, 5.0, 5.0]]),)


def _log_prob(logits: Array, ids: Array, start: int) -> float:
    log_probs = _log_softmax(logits)
    return float(sum(log_probs[i - 1, ids[i]] for i in range(start, len(ids))))


def _too_late(logits: Array, ids: Array, start: int) -> float:
    log_probs = _log_softmax(logits)
    return float(sum(log_probs[i, ids[i]] for i in range(start, len(ids))))


def _with_prompt(logits: Array, ids: Array, start: int) -> float:
    return _log_prob(logits, ids, 1)


def _without_first(logits: Array, ids: Array, start: int) -> float:
    return _log_prob(logits, ids, start + 1)


def _without_last(logits: Array, ids: Array, start: int) -> float:
    return _log_prob(logits[:-1], ids[:-1], start)


def _unnormalized(logits: Array, ids: Array, start: int) -> float:
    return float(sum(logits[i - 1, ids[i]] for i in range(start, len(ids))))


def _tempered(logits: Array, temperature: float) -> Array:
    if temperature == 0:
        return np.eye(len(logits))[np.argmax(logits)]
    return np.exp(_log_softmax(logits / temperature))


def _multiplied(logits: Array, temperature: float) -> Array:
    return _tempered(logits, 1 / temperature if temperature else 0.0)


def _unscaled(logits: Array, temperature: float) -> Array:
    return _tempered(logits, 1.0 if temperature else 0.0)


def _divided_after(logits: Array, temperature: float) -> Array:
    return _tempered(logits, 1.0) / temperature if temperature else _tempered(logits, 0.0)


def _flat(logits: Array, temperature: float) -> Array:
    return _tempered(logits, temperature or 1.0)


def _entropies(logits: Array) -> Array:
    log_probs = _log_softmax(logits)
    return -(np.exp(log_probs) * log_probs).sum(axis=1)


CHECKS: dict[str, Check] = {
    "1.1": compare(
        _log_prob,
        _texts,
        mistakes=[
            Mistake(
                "You are off by one: you look token i up in row i, which was computed after "
                "reading it. Row i - 1 predicts token i.",
                _too_late,
            ),
            Mistake(
                "You count the tokens of the prompt too. Nobody drew those: begin at `start`.",
                _with_prompt,
            ),
            Mistake(
                "The first token of the completion is missing. It is predicted by row start - 1.",
                _without_first,
            ),
            Mistake("The last token of the completion is missing.", _without_last),
            Mistake(
                "You add up logits. They are not log-probabilities yet: subtract the logarithm of "
                "the sum of their exponentials, in each row.",
                _unnormalized,
            ),
            Mistake(
                "You average over the tokens. The probabilities multiply, so add their logarithms.",
                lambda logits, ids, start: _log_prob(logits, ids, start) / (len(ids) - start),
            ),
            Mistake(
                "This is the probability. Return its logarithm.",
                lambda logits, ids, start: float(np.exp(_log_prob(logits, ids, start))),
            ),
        ],
    ),
    "1.2": compare(
        _tempered,
        _rows,
        mistakes=[
            Mistake("You multiply the logits by T. Divide them.", _multiplied),
            Mistake("The temperature has no effect: divide the logits by it first.", _unscaled),
            Mistake(
                "You divide the probabilities. Then they do not add up to 1. Divide the logits, "
                "before the softmax.",
                _divided_after,
            ),
            Mistake(
                "At temperature 0 this is the policy at temperature 1. Give the likeliest token "
                "probability 1 there, and all others 0.",
                _flat,
            ),
        ],
    ),
    "1.3": compare(
        _entropies,
        _states,
        mistakes=[
            Mistake("The sign is missing: entropy is never negative.", lambda z: -_entropies(z)),
            Mistake(
                "This is in bits. Use the natural logarithm.", lambda z: _entropies(z) / np.log(2)
            ),
            Mistake(
                "You average -log π over the tokens. Weight each with its probability and add up.",
                lambda z: -_log_softmax(z).mean(axis=1),
            ),
            Mistake(
                "You add -log π up over the tokens. Weight each with its probability first.",
                lambda z: -_log_softmax(z).sum(axis=1),
            ),
            Mistake(
                "You divide by the number of tokens. The probabilities are the weights; add up.",
                lambda z: _entropies(z) / z.shape[1],
            ),
            Mistake(
                "You add up over the wrong axis. Each row is a state: add up over axis=1.",
                lambda z: -(np.exp(_log_softmax(z)) * _log_softmax(z)).sum(axis=0),
            ),
            Mistake(
                "You add up over all states. Return one number for each (axis=1).",
                lambda z: float(_entropies(z).sum()),
            ),
        ],
    ),
}
