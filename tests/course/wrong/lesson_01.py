"""Wrong solutions of lesson 1."""

import numpy as np
from course_files import wrong


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@wrong("1.1", says="You are off by one")
def off_by_one(logits, ids, start):
    return sum(np.log(softmax(logits[i])[ids[i]]) for i in range(start, len(ids)))


@wrong("1.1", says="tokens of the prompt")
def counts_the_prompt(logits, ids, start):
    return np.log(softmax(logits)[np.arange(len(ids) - 1), ids[1:]]).sum()


@wrong("1.1", says="The first token of the completion is missing")
def begins_too_late(logits, ids, start):
    return np.log(
        softmax(logits[start:-1])[np.arange(len(ids) - start - 1), ids[start + 1 :]]
    ).sum()


@wrong("1.1", says="You add up logits")
def adds_logits(logits, ids, start):
    return logits[np.arange(start - 1, len(ids) - 1), ids[start:]].sum()


@wrong("1.1", says="You average")
def averages(logits, ids, start):
    rows = softmax(logits[start - 1 : -1])
    return np.log(rows[np.arange(len(ids) - start), ids[start:]]).mean()


@wrong("1.1", says="Return its logarithm")
def multiplies(logits, ids, start):
    return softmax(logits[start - 1 : -1])[np.arange(len(ids) - start), ids[start:]].prod()


@wrong("1.1", says="an array of shape")
def takes_all_columns(logits, ids, start):
    return np.log(softmax(logits[start - 1 : -1]))[:, ids[start:]].sum(axis=0)


@wrong("1.2", says="You multiply the logits")
def multiplies_the_logits(logits, temperature):
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    return softmax(logits * temperature)


@wrong("1.2", says="You divide the probabilities")
def divides_the_probabilities(logits, temperature):
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    return softmax(logits) / temperature


@wrong("1.2", says="NaN")
def divides_by_zero(logits, temperature):
    with np.errstate(all="ignore"):
        return softmax(logits / temperature)


@wrong("1.2", says="a single number")
def returns_the_token(logits, temperature):
    return int(logits.argmax())


@wrong("1.2", says="no effect")
def forgets_the_temperature(logits, temperature):
    return np.eye(len(logits))[logits.argmax()] if temperature == 0 else softmax(logits)


@wrong("1.3", says="sign is missing")
def without_minus(logits):
    p = softmax(logits)
    return np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0).sum(axis=1)


@wrong("1.3", says="in bits")
def in_bits(logits):
    p = softmax(logits)
    return -np.where(p > 0, p * np.log2(np.maximum(p, 1e-300)), 0).sum(axis=1)


@wrong("1.3", says="NaN")
def zero_times_infinity(logits):
    p = softmax(logits)
    with np.errstate(all="ignore"):
        return -(p * np.log(p)).sum(axis=1)


@wrong("1.3", says="over all states")
def adds_everything_up(logits):
    p = softmax(logits)
    return -(p * np.log(np.maximum(p, 1e-300))).sum()


@wrong("1.3", says="You average -log π")
def forgets_the_weights(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return -(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))).mean(axis=1)
