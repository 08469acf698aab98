"""The solutions of lesson 2.

Answers to the two questions:

1. Those to the right: there a single wrong answer has many votes. Every step rewards it, and the
   model soon gives it always. To the left all answers are rare, so most rewards are 0 for
   completions that are wrong indeed; and the winner changes from visit to visit.
2. A question whose right answer is given now and then, but less often than a wrong one. More votes
   only make its loss surer. Training on the vote makes it rarer still. Training on something else
   may help: the model learns to calculate on other questions, and then does so here as well.
"""

from collections import Counter
from math import comb

import numpy as np


def majority_rewards(answers: list[str | None]) -> np.ndarray:
    """`Counter.most_common` keeps the order of appearance among equal counts."""
    counts = Counter(answer for answer in answers if answer is not None)
    if not counts:
        return np.zeros(len(answers))
    winner = counts.most_common(1)[0][0]
    return np.array([float(answer == winner) for answer in answers])


def pass_at_k(n: int, c: int, k: int) -> float:
    """1 minus the chance that all of k are wrong."""
    return 1 - comb(n - c, k) / comb(n, k)


def lucky_hit() -> tuple[list[str], str]:
    """The winner has two votes, which get wrong rewards; eight are wrong, and get 0."""
    return ["5", "5", "1", "2", "3", "4", "6", "8", "9", "10"], "7"
