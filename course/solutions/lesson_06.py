"""The solutions of lesson 6.

Answers to the two questions:

1. On average over all coins the gradient is 0, but a run throws its coin once. The completions that
   happened to be rewarded become likelier, at this step and for good; the next coin does not take
   it back, since it is thrown for what the model writes *now*. What is likelier is written more
   often, and so is rewarded more often by chance. Each such step moves probability from many
   completions to a few. It is a random walk that ends where one completion has all of it.
2. A coin, several seeds; the true labels, as the upper bound; the majority vote. Each on a second
   model, since what a reward does depends on what the model already does. And each measured
   greedily as well, to tell learning from sharpening.
"""

import numpy as np


def signal(advantages: np.ndarray, right: np.ndarray) -> float:
    """Only groups that hold both right and wrong completions have something to compare."""
    differences = [
        group[good].mean() - group[~good].mean()
        for group, good in zip(advantages, right, strict=True)
        if good.any() and not good.all()
    ]
    return float(np.mean(differences))


def shortest(lengths: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Completions without an answer do not take part, so the least length is that of the others."""
    answered = votes >= 0
    if not answered.any():
        return np.zeros(len(lengths))
    return (answered & (lengths == lengths[answered].min())).astype(float)


def brief_majority(lengths: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """The vote decides, and the length only says how much those who agree earn."""
    given = votes[votes >= 0].tolist()
    if not given:
        return np.zeros(len(lengths))
    winner = max(given, key=given.count)  # the first of several
    spread = max(lengths.max() - lengths.min(), 1)
    return (votes == winner) * (1 - 0.5 * (lengths - lengths.min()) / spread)
