"""Soft majority: every answer is rewarded with its share of the votes.

- `SoftMajority`: the reward.
"""

from __future__ import annotations

from dataclasses import dataclass

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_number, elect
from ttrl_env.consensus.verdict import Verdict

__all__ = ["SoftMajority"]


@reward("soft_majority", summary="the share of the votes that agree", paper="2505.21444")
@dataclass(frozen=True)
class SoftMajority:
    """Rewards each completion by the share of the group that agrees: r_i = c(a_i) / n.

    c(a_i) counts the votes for its answer, its own included; an absent answer gets 0 and stays
    in n. The pseudo-label, which only metrics read, is the most frequent answer, the first of
    several.

    Source: the soft self-consistency reward of SRT, arXiv 2505.21444; known to us second-hand.

    When not to use it: on groups that nearly agree, where it is the majority reward but for a
    small slope among wrong answers, and that slope rewards the more common mistake more.

    Args:
        min_ratio: The group abstains where no answer has at least this share.
    """

    min_ratio: float = 0.0

    def __post_init__(self) -> None:
        check_number("min_ratio", self.min_ratio, 0, 1)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        winner = elect(ballot.counts)
        if winner is None or ballot.counts[winner] < self.min_ratio * ballot.size:
            return Verdict.abstaining(ballot)
        return Verdict(ballot.spread(ballot.counts / ballot.size), pseudo_label=winner)
