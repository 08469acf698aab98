"""Wrong solutions of lesson 5."""

from collections import Counter
from itertools import pairwise

import numpy as np
from course_files import wrong

from ttrl_env.consensus import Verdict


@wrong("5.1", says="must abstain")
def never_abstains(ballot):
    winners = ballot.most_frequent()
    if not winners:
        return Verdict(np.zeros(ballot.size), pseudo_label=None)
    return Verdict(ballot.agreement(winners[0]), pseudo_label=winners[0])


@wrong("5.1", says="does not name the pseudo-label")
def without_a_pseudo_label(ballot):
    winners = ballot.most_frequent()
    if not winners:
        return Verdict.abstaining(ballot)
    return Verdict(ballot.agreement(winners[0]), pseudo_label=None)


@wrong("5.1", says="a Verdict is asked for")
def returns_rewards(ballot):
    return ballot.agreement(ballot.most_frequent()[0])


@wrong("5.1", says="it stops with IndexError")
def forgets_empty_ballots(ballot):
    winner = ballot.most_frequent()[0]
    return Verdict(ballot.agreement(winner), pseudo_label=winner)


@wrong("5.1", says="In a tie the last class wins")
def takes_the_last(ballot):
    winners = ballot.most_frequent()
    if not winners:
        return Verdict.abstaining(ballot)
    return Verdict(ballot.agreement(winners[-1]), pseudo_label=winners[-1])


@wrong("5.2", says="use <=")
def strictly_less(answers, margin):
    counts = Counter(each for each in answers if each is not None).most_common()
    first = counts[0][1] if counts else 0
    second = counts[1][1] if len(counts) > 1 else 0
    return first - second < margin


@wrong("5.2", says="You count None")
def counts_none(answers, margin):
    counts = [*Counter(answers).values(), 0, 0]
    first, second = sorted(counts)[-1], sorted(counts)[-2]
    return first - second <= margin


@wrong("5.2", says="it stops with IndexError")
def needs_two_answers(answers, margin):
    counts = Counter(each for each in answers if each is not None).most_common()
    return counts[0][1] - counts[1][1] <= margin


@wrong("5.2", says="the wrong way round")
def is_clear(answers, margin):
    counts = Counter(each for each in answers if each is not None)
    first, second = sorted([*counts.values(), 0, 0])[-1], sorted([*counts.values(), 0, 0])[-2]
    return first - second > margin


@wrong("5.3", says="Skip such visits")
def none_is_a_winner(winners):
    return sum(1 for i in range(1, len(winners)) if winners[i] != winners[i - 1])


@wrong("5.3", says="That is the drift")
def from_the_first(winners):
    known = [each for each in winners if each is not None]
    return len([each for each in known if each != known[0]])


@wrong("5.3", says="count the different winners")
def different_winners(winners):
    return max(0, len(set(winners) - {None}) - 1)


@wrong("5.3", says="compare with the last visit that had a winner")
def neighbours_alone(winners):
    flips = 0
    for first, second in pairwise(winners):
        if None not in (first, second) and first != second:
            flips += 1
    return flips
