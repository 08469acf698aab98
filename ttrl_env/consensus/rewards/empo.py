"""EMPO: the probability of the meaning that a completion expresses.

- `EMPO`: the reward.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_number, elect
from ttrl_env.consensus.verdict import Verdict

__all__ = ["EMPO"]

_SLACK = 1e-9  # what rounding may add to an entropy that lies on a bound


@reward(
    "empo",
    summary="the share of the votes that agree, unless they are scattered",
    paper="2504.05812",
)
@dataclass(frozen=True)
class EMPO:
    """Rewards the share of the completion's answer cluster, where the entropy gate is open.

    r_i = p(cluster of a_i) if low · log n <= H < high · log n, else the group abstains. p is the
    cluster's share of the group, and H = -sum p log p its semantic entropy, in nats. Clusters are
    the answer classes; every absent answer is a cluster of its own, and gets 0.

    Source: EMPO, arXiv 2504.05812; checked in the authors' code, whose gate shuts at H = log n
    (no two completions agree) and whose later version leaves it open. The lower bound is known to
    us from the paper's description alone.

    When not to use it: with free-form answers that the answer format cannot tell apart; and for
    long runs, since lowering semantic entropy is all it asks.

    Args:
        low: The gate's lower bound, as a share of the largest possible entropy log n. Above 0, a
            unanimous group abstains.
        high: Its upper bound, likewise.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        check_number("low", self.low, 0, 1)
        check_number("high", self.high, 0, 1)
        if self.low >= self.high:
            raise ValueError(f"low must be less than high, not {self.low} and {self.high}")

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        shares = ballot.counts / ballot.size
        absent = int((~ballot.answered).sum())
        most = math.log(ballot.size)
        entropy = absent / ballot.size * most - math.fsum(shares * np.log(shares))
        gate = self.low * most - _SLACK <= entropy < self.high * most - _SLACK
        if not gate or len(shares) == 0:
            return Verdict.abstaining(ballot)
        return Verdict(ballot.spread(shares), pseudo_label=elect(ballot.counts))
