"""Wrong solutions of lesson 6."""

import numpy as np
from course_files import wrong


@wrong("6.1", says="all groups at once")
def over_all(advantages, right):
    return advantages[right].mean() - advantages[~right].mean()


@wrong("6.1", says="leave them out of the average")
def empty_groups_as_zero(advantages, right):
    total = 0.0
    for group, good in zip(advantages, right, strict=True):
        if good.any() and not good.all():
            total += group[good].mean() - group[~good].mean()
    return total / len(advantages)


@wrong("6.1", says="subtract that of the wrong")
def only_the_right_ones(advantages, right):
    pairs = zip(advantages, right, strict=True)
    return np.mean([group[good].mean() for group, good in pairs if good.any() and not good.all()])


@wrong("6.1", says="NaN")
def without_leaving_out(advantages, right):
    with np.errstate(all="ignore"):
        good = (advantages * right).sum(axis=1) / right.sum(axis=1)
        bad = (advantages * ~right).sum(axis=1) / (~right).sum(axis=1)
    return (good - bad).mean()


@wrong("6.2", says="you reward it or nobody")
def shortest_of_all(lengths, votes):
    return (lengths == lengths.min()).astype(float)


@wrong("6.2", says="nobody is rewarded")
def answer_too_late(lengths, votes):
    return (lengths == np.min(lengths)) * (votes != -1) * 1.0


@wrong("6.2", says="all of them earn 1")
def only_the_first(lengths, votes):
    rewards = np.zeros(len(lengths))
    known = np.where(votes >= 0, lengths, np.iinfo(np.int64).max)
    if (votes >= 0).any():
        rewards[known.argmin()] = 1.0
    return rewards


@wrong("6.3", says="Everybody earns something")
def without_the_vote(lengths, votes):
    spread = max(lengths.max() - lengths.min(), 1)
    return 1 - 0.5 * (lengths - lengths.min()) / spread


@wrong("6.3", says="absent answer (-1) has won")
def absent_answers_vote(lengths, votes):
    values = list(votes)
    winner = max(values, key=values.count)
    spread = max(lengths.max() - lengths.min(), 1)
    return (votes == winner) * (1 - 0.5 * (lengths - lengths.min()) / spread)


@wrong("6.3", says="among those who agree")
def lengths_of_those_who_agree(lengths, votes):
    given = votes[votes >= 0].tolist()
    if not given:
        return np.zeros(len(lengths))
    agree = votes == max(given, key=given.count)
    least, largest = lengths[agree].min(), lengths[agree].max()
    return agree * (1 - 0.5 * (lengths - least) / max(largest - least, 1))


@wrong("6.3", says="length does not count yet")
def the_plain_majority(lengths, votes):
    given = votes[votes >= 0].tolist()
    return (votes == max(given, key=given.count, default=-2)).astype(float)
