"""Wrong solutions of lesson 2."""

from collections import Counter
from math import comb

import numpy as np
from course_files import wrong


@wrong("2.1", says="None won a vote")
def counts_none(answers):
    winner = Counter(answers).most_common(1)[0][0]
    return np.array([1.0 if each == winner else 0.0 for each in answers])


@wrong("2.1", says="first answer of the alphabet")
def sorts(answers):
    given = [each for each in answers if each is not None]
    if not given:
        return np.zeros(len(answers))
    names, counts = np.unique(given, return_counts=True)
    return np.array([float(each == names[counts.argmax()]) for each in answers])


@wrong("2.1", says="reward all winners")
def rewards_all_of_a_tie(answers):
    counts = Counter(each for each in answers if each is not None)
    most = max(counts.values(), default=0)
    return np.array([float(each is not None and counts[each] == most) for each in answers])


@wrong("2.1", says="more than half")
def needs_an_absolute_majority(answers):
    rewards = np.zeros(len(answers))
    for i, each in enumerate(answers):
        if each is not None and answers.count(each) > len(answers) / 2:
            rewards[i] = 1
    return rewards


@wrong("2.1", says="it stops with IndexError")
def forgets_empty_ballots(answers):
    counts = Counter(each for each in answers if each is not None)
    winner = counts.most_common(1)[0][0]
    return np.array([float(each == winner) for each in answers])


@wrong("2.1", says="numbers are asked for")
def returns_the_winner(answers):
    counts = Counter(each for each in answers if each is not None)
    return counts.most_common(1)[0][0]


@wrong("2.2", says="puts the completions back")
def obvious(n, c, k):
    return 1 - (1 - c / n) ** k


@wrong("2.2", says="Subtract it from 1")
def all_wrong(n, c, k):
    return comb(n - c, k) / comb(n, k)


@wrong("2.2", says="Choose from the n - c wrong ones")
def right_for_wrong(n, c, k):
    return 1 - comb(c, k) / comb(n, k)


@wrong("2.2", says="Only k of them are drawn")
def any_of_n(n, c, k):
    return 1.0 if c else 0.0


@wrong("2.3", says="This vote is right")
def a_right_vote():
    return ["7", "7", "1", "2", "3", "4", "5", "6", "8", "9"], "7"


@wrong("2.3", says="too many rewards are wrong")
def a_clear_wrong_vote():
    return ["5"] * 6 + ["7"] * 4, "7"


@wrong("2.3", says="exactly ten answers")
def too_few():
    return ["5", "5", "1"], "7"


@wrong("2.3", says='write "7", not 7')
def numbers():
    return [5, 5, 1, 2, 3, 4, 6, 8, 9, 10], 7


@wrong("2.3", says="Return two things")
def without_a_label():
    return ["5", "5", "1", "2", "3", "4", "6", "8", "9", "10"]
