"""The solutions of lesson 3.

Answers to the two questions:

1. The exact gradient is 0: J is 1 whatever the policy does. The estimate without a baseline pushes
   up whatever was drawn, so after a thousand steps the policy has settled on a digit that chance
   chose. With the baseline 1 it does not move at all.
2. The proof takes b out of the sum over the digits, which is only allowed if it is the same for all
   of them. The mean of the n rewards contains the draw's own reward. It makes the estimate too
   short, by the factor (n - 1) / n, in the right direction.
"""

import numpy as np


def exact_gradient(probabilities: np.ndarray, rewards: np.ndarray) -> np.ndarray:
    """J is the mean reward; a digit that does better than J is pushed up."""
    return probabilities * (rewards - probabilities @ rewards)


def estimated_gradient(
    probabilities: np.ndarray, actions: np.ndarray, rewards: np.ndarray, baseline: float
) -> np.ndarray:
    """The scores have a row for each draw; each is weighted by its advantage."""
    scores = np.eye(10)[actions] - probabilities
    return ((rewards - baseline)[:, None] * scores).mean(axis=0)


def best_baseline(probabilities: np.ndarray, rewards: np.ndarray) -> float:
    """The mean reward, with each digit weighted by the squared length of its score."""
    scores = np.eye(10) - probabilities
    weights = probabilities * (scores**2).sum(axis=1)
    return float(weights @ rewards / weights.sum())
