"""The solutions of lesson 7.

Answers to the two questions:

1. 1 - 0.95^10 = 0.40, if the ten tests were independent. Decide beforehand which one of them
   counts, and call the others exploration; or divide the 5 % by the number of tests (Bonferroni).
2. The interval says how the score would change with other *questions*. It says nothing about other
   seeds, and the best of three seeds is not a typical one: it is the one on which chance was
   kindest. Report all three, or their mean and range.
"""

import math

import numpy as np


def interval(scores: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """The middle 95 % of the means of the samples."""
    return np.percentile(scores[draws].mean(axis=1), [2.5, 97.5])


def p_value(wins: int, losses: int) -> float:
    """The chance of so few heads, or so few tails."""
    throws = wins + losses
    ways = sum(math.comb(throws, i) for i in range(min(wins, losses) + 1))
    return min(1.0, 2 * ways / 2**throws)


def questions_needed(difference: float, deviation: float) -> int:
    """Rounded up: a part of a question cannot be asked."""
    return math.ceil(((1.960 + 0.842) * deviation / difference) ** 2)
