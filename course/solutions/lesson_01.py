"""The solutions of lesson 1.

Answers to the two questions:

1. A temperature below 1 makes likely tokens likelier. A typical completion at T 0.6 consists mostly
   of likely tokens, so its log-probability at T 0.6 is the larger one. It is not so for every
   completion: one with an unlikely token can be less likely at T 0.6 than at T 1.
2. No. Let the first token be A with 0.6 and B with 0.4. After A, two tokens have 0.5 each; after B,
   one token has 1. Greedy decoding begins with A and ends with 0.6 · 0.5 = 0.3, but the completion
   that begins with B has 0.4. The model `tiny` is such a case: most guesses share the first token.
"""

import numpy as np


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Returns log-probabilities; the last axis is the vocabulary."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def completion_log_prob(logits: np.ndarray, ids: np.ndarray, start: int) -> float:
    """Row i predicts token i + 1, so the first row is the one before `start`."""
    predictions = log_softmax(logits[start - 1 : -1])
    written = ids[start:]
    return float(predictions[np.arange(len(written)), written].sum())


def tempered(logits: np.ndarray, temperature: float) -> np.ndarray:
    """At 0 the likeliest token is certain; else the logits are divided."""
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    return np.exp(log_softmax(logits / temperature))


def entropies(logits: np.ndarray) -> np.ndarray:
    """The mean of -log π under π."""
    log_probs = log_softmax(logits)
    return -(np.exp(log_probs) * log_probs).sum(axis=1)
