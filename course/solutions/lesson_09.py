"""The solutions of lesson 9.

Answers to the two questions:

1. Flips, drift and settled drift all compare with an earlier visit, so none of them is left. What
   remains is the divergence from the initial policy, the length, the entropy, and the share of
   distinct winners: whether different questions elect the same answers.
2. No checkpoint may be chosen after the first alarm, nor from the steps that the alarm looks back
   over: by the time of the alarm these are already damaged. So a checkpoint has to wait until some
   more steps have passed without an alarm. (That is what the trainer does.)
"""

from itertools import pairwise

import numpy as np


def flip_rate(winners: list[list[str]]) -> float:
    """Every visit but the first is compared with the one before it."""
    flips = [now != before for visits in winners for before, now in pairwise(visits)]
    return float(np.mean(flips)) if flips else float("nan")


def settled_drift(histories: list[list[tuple[str, int]]], enough: int = 14) -> float:
    """A question that never settled has left nothing."""
    left = 0
    for visits in histories:
        settled = next((winner for winner, votes in visits if votes >= enough), None)
        left += settled is not None and visits[-1][0] != settled
    return left / len(histories)


def goes_astray(metrics: dict[str, np.ndarray]) -> bool:
    """Settled answers are left again, by clearly more questions than at the best of the run."""
    drift = metrics["settled_drift"]
    known = drift[~np.isnan(drift)]
    if len(known) < 20:
        return False
    means = np.convolve(known, np.ones(10) / 10, mode="valid")
    return bool(means[-1] >= means.min() + 0.1)
