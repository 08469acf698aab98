"""Wrong solutions of lesson 7."""

import math

import numpy as np
from course_files import wrong


@wrong("7.1", says="percentiles of the scores themselves")
def of_the_scores(scores, draws):
    del draws
    return np.percentile(scores, [2.5, 97.5])


@wrong("7.1", says="averaged over the samples (axis=0)")
def over_the_samples(scores, draws):
    return np.percentile(scores[draws].mean(axis=0), [2.5, 97.5])


@wrong("7.1", says="the middle 90 %")
def ninety_percent(scores, draws):
    return np.percentile(scores[draws].mean(axis=1), [5, 95])


@wrong("7.1", says="counts in percent")
def in_shares(scores, draws):
    return np.quantile(scores[draws].mean(axis=1), [0.025 / 100, 0.975 / 100])


@wrong("7.2", says="one-sided chance")
def one_sided(wins, losses):
    n = wins + losses
    return sum(math.comb(n, i) for i in range(min(wins, losses) + 1)) / 2**n


@wrong("7.2", says="at most 1")
def more_than_one(wins, losses):
    n = wins + losses
    return 2 * sum(math.comb(n, i) for i in range(min(wins, losses) + 1)) / 2**n


@wrong("7.2", says="split itself is missing")
def ends_too_early(wins, losses):
    n = wins + losses
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(min(wins, losses))) / 2**n)


@wrong("7.2", says="exactly this split")
def exactly_this(wins, losses):
    n = wins + losses
    return min(1.0, 2 * math.comb(n, wins) / 2**n)


@wrong("7.3", says="square is missing")
def without_the_square(difference, deviation):
    return math.ceil((1.960 + 0.842) * deviation / difference)


@wrong("7.3", says="left out the 0.842")
def without_power(difference, deviation):
    return math.ceil((1.960 * deviation / difference) ** 2)


@wrong("7.3", says="rounded down")
def rounded_down(difference, deviation):
    return int(((1.960 + 0.842) * deviation / difference) ** 2)


@wrong("7.3", says="round up")
def not_rounded(difference, deviation):
    return ((1.960 + 0.842) * deviation / difference) ** 2
