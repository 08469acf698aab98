"""DDRL: the most frequent answer against the rarest, at fixed advantages.

- `DDRL`: the reward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_number, elect
from ttrl_env.consensus.verdict import Verdict

__all__ = ["DDRL"]


@reward("ddrl", summary="the most frequent answer against the rarest", paper="2604.21327")
@dataclass(frozen=True)
class DDRL:
    """Trains on the most frequent answer at +1 and the rarest at -1; the middle teaches nothing.

    Of a group of n, K = keep · n completions train: k+ = min(c*, K/2) that agree with the most
    frequent answer (c* votes), and K - k+ from the rarest answers up, absent ones first. Their
    advantages are +1 and -1, whatever the group; those in between have 0. Rewards are 1[a_i = y*].

    Where not all members of a class train, the authors take the first sampled. Here each of them
    has the share that trains as its advantage, which is the same on average and does not depend
    on their order; classes of one size are as one. What the rarest cannot fill, because the
    majority is nearly all there is, stays empty; the authors fill it with more of the majority.

    Source: DDRL, arXiv 2604.21327; checked in the authors' code. Its last stage, off-policy
    refinement on consensus data, is not a reward, and not part of this.

    When not to use it: on groups that agree, which still push at full strength, as fixed
    advantages never shrink; lower the learning rate.

    Args:
        keep: K / n, the share of a group that trains; the authors train on 32 of 64.
    """

    own_advantages: ClassVar[bool] = True

    keep: float = 0.5

    def __post_init__(self) -> None:
        check_number("keep", self.keep, 0, 1)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        winner = elect(ballot.counts)
        if winner is None:
            return Verdict.abstaining(ballot)
        total = max(2, round(self.keep * ballot.size))
        agree = ballot.agreement(winner)
        positives = min(int(ballot.counts[winner]), total // 2)
        advantages = agree * (positives / ballot.counts[winner])
        # What each completion's answer counts; an absent one is the rarest of all.
        rarity = ballot.spread(ballot.counts)
        left = total - positives
        for count in np.unique(rarity[agree == 0]):
            tier = (rarity == count) & (agree == 0)
            taken = min(left, int(tier.sum()))
            advantages[tier] = -taken / tier.sum()
            left -= taken
        return Verdict(agree, pseudo_label=winner, advantages=advantages)
