"""DIV-TTRL: agreement where the votes agree, variety where they are divided.

- `DivTTRL`: the reward.
- `pass_at_k_advantages`: for whoever helps a draw of k to hold the majority's answer.
- `variety_advantages`: for whoever helps a draw of k to hold many different answers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import (
    Floats,
    check_choice,
    check_number,
    elect,
    exact_mean,
    group_advantages,
)
from ttrl_env.consensus.verdict import Verdict

__all__ = ["DivTTRL", "pass_at_k_advantages", "variety_advantages"]

_EPSILON = 1e-6


def pass_at_k_advantages(votes: int, size: int, k: int) -> tuple[float, float]:
    """Returns the advantages of a completion that agrees, and of one that does not.

    Draw k of the group. The draw is worth 1 if it holds a completion that agrees, on average m,
    with the standard deviation s = sqrt(m (1 - m)). A completion's advantage is what a draw that
    holds it is worth on average, less m, over s.

    Args:
        votes: How many of the group agree.
        size: The size of the group.
        k: The size of a draw.

    >>> those, others = pass_at_k_advantages(votes=1, size=4, k=2)  # worth 1, 1/3; m = s = 1/2
    >>> round(those, 6), round(others, 6)
    (1.0, -0.333333)
    """
    none = _missing(votes, size, k)
    spread = math.sqrt(none * (1 - none))
    if spread < _EPSILON:
        return 0.0, 0.0
    return none / spread, (none - _missing(votes, size - 1, k - 1)) / spread


def variety_advantages(ballot: Ballot, k: int) -> Floats:
    """Returns advantages for how many different answers a draw of k holds.

    A draw of k completions of the group is worth the number of its answers over k. A completion's
    worth R is that of the draws that hold it, on average; its advantage is (R - mean(R)) /
    sqrt(var(R) + 1e-6). An absent answer adds nothing to a draw.

    Args:
        ballot: The group.
        k: The size of a draw, at most that of the group.
    """
    others = np.array([1 - _missing(int(c), ballot.size - 1, k - 1) for c in ballot.counts])
    total = math.fsum(others)
    worth = ballot.spread((1 + (total - others)) / k, absent=total / k)
    mean = exact_mean(worth)
    return (worth - mean) / math.sqrt(exact_mean((worth - mean) ** 2) + _EPSILON)


@reward(
    "div_ttrl",
    summary="agreement where the votes agree, many different answers where they are divided",
)
@dataclass(frozen=True)
class DivTTRL:
    """Teaches by agreement with the probability of the majority ratio, else by variety.

    With the chance m, the majority ratio, the group's advantages are those of pass@k with the most
    frequent answer taken for true (`pass_at_k_advantages`), else those of the number of different
    answers in a draw of k (`variety_advantages`). The coin is a pure function of the visit, so
    that a run repeats exactly. Rewards are 1[a_i = y*].

    Source: the repository DIV-TTRL, which no paper belongs to that we know of; its description and
    its code of January 2026, which later versions replace by others. There an absent answer counts
    as an answer like any other; here it adds nothing to a draw, so that it is worth the least.

    When not to use it: to make a model surer. With k near half the group, groups whose majority is
    larger than n - k have no advantage at all when agreement is taught, and only variety moves
    them.

    Args:
        k: The size of a draw; half of the group where it is not larger than k, since all draws of
            a whole group are the same, and teach nothing.
        agreed: What agreement teaches by: `"pass_at_k"`, or `"group"`, the group-relative
            advantages of the rewards.
        seed: Names the coins.
    """

    own_advantages: ClassVar[bool] = True

    k: int = 8
    agreed: Literal["pass_at_k", "group"] = "pass_at_k"
    seed: int = 0

    def __post_init__(self) -> None:
        check_number("k", self.k, 1, whole=True)
        check_choice("agreed", self.agreed, ("pass_at_k", "group"))
        check_number("seed", self.seed, 0, whole=True)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        winner = elect(ballot.counts)
        if winner is None:
            return Verdict.abstaining(ballot)
        agree = ballot.agreement(winner)
        coins = np.random.default_rng(np.random.SeedSequence([self.seed, ballot.position]))
        k = self.k if self.k < ballot.size else max(1, ballot.size // 2)
        if coins.random() > ballot.majority_ratio:
            advantages = variety_advantages(ballot, k)
        elif self.agreed == "group":
            advantages = group_advantages(agree)
        else:
            those, others = pass_at_k_advantages(int(agree.sum()), ballot.size, k)
            advantages = np.where(agree > 0, those, others)
        return Verdict(agree, pseudo_label=winner, advantages=advantages)


def _missing(votes: int, size: int, k: int) -> float:
    """The chance that a draw of k misses all of some votes."""
    return math.comb(max(0, size - votes), k) / math.comb(size, k)
