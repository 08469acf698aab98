"""Wrong solutions of lesson 9."""

from itertools import pairwise

import numpy as np
from course_files import wrong


@wrong("9.1", says="drift rate")
def since_the_first(winners):
    changed = [winner != visits[0] for visits in winners for winner in visits[1:]]
    return np.mean(changed) if changed else np.nan


@wrong("9.1", says="cannot flip")
def over_all_visits(winners):
    flips = sum(a != b for visits in winners for a, b in pairwise(visits))
    if all(len(visits) < 2 for visits in winners):
        return float("nan")
    return flips / sum(len(visits) for visits in winners)


@wrong("9.1", says="all visits together")
def mean_over_questions(winners):
    rates = [
        sum(a != b for a, b in pairwise(visits)) / (len(visits) - 1)
        for visits in winners
        if len(visits) > 1
    ]
    return sum(rates) / len(rates) if rates else float("nan")


@wrong("9.1", says="not 0 but unknown")
def zero_if_unknown(winners):
    flips = [a != b for visits in winners for a, b in pairwise(visits)]
    return sum(flips) / len(flips) if flips else 0.0


@wrong("9.2", says="divide by all")
def over_settled_questions(histories, enough=14):
    left = []
    for visits in histories:
        settled = [winner for winner, votes in visits if votes >= enough]
        if settled:
            left.append(visits[-1][0] != settled[0])
    return sum(left) / len(left) if left else float("nan")


@wrong("9.2", says="You took the last")
def settles_again_and_again(histories, enough=14):
    left = 0
    for visits in histories:
        settled = None
        for winner, votes in visits:
            if votes >= enough:
                settled = winner
        left += settled is not None and visits[-1][0] != settled
    return left / len(histories)


@wrong("9.2", says="compare with >=")
def more_than_enough(histories, enough=14):
    left = 0
    for visits in histories:
        settled = next((winner for winner, votes in visits if votes > enough), None)
        left += settled is not None and visits[-1][0] != settled
    return left / len(histories)


@wrong("9.2", says="compare with the first winner")
def since_the_first_winner(histories, enough=14):
    return sum(visits[0][0] != visits[-1][0] for visits in histories) / len(histories)


@wrong("9.3", says="It never raises an alarm")
def agreement_falls(metrics):
    ratio = metrics["majority_ratio"]
    return bool(ratio[-10:].mean() < ratio[:10].mean())


@wrong("9.3", says="False alarm in run")
def flips_are_frequent(metrics):
    return bool(np.nanmean(metrics["flip_rate"][-10:]) > 0.08)


@wrong("9.3", says="in every run")
def entropy_is_low(metrics):
    return bool(metrics["entropy"][-10:].mean() < 0.03)


@wrong("9.3", says="in every run")
def agreement_rises(metrics):
    ratio = metrics["majority_ratio"]
    return bool(ratio[-10:].mean() > ratio[:10].mean() + 0.05)


@wrong("9.3", says="Return True or False")
def returns_the_signal(metrics):
    return float(np.nanmean(metrics["flip_rate"][-10:]))
