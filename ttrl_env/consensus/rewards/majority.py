"""Majority voting, the reward of TTRL.

- `Majority`: 1 for the completions that agree with the most frequent answer, else 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_choice, check_number
from ttrl_env.consensus.verdict import Verdict

__all__ = ["Majority"]


@reward("majority", summary="agreement with the majority of the votes", paper="2504.16084")
@dataclass(frozen=True)
class Majority:
    """Rewards agreement with the majority: r_i = 1[a_i = y*], y* the mode of the votes.

    A group without any answer abstains, and so does one whose majority is weaker than asked.

    Source: TTRL, arXiv 2504.16084, equation 3; checked in the paper and the reference
    implementation. The thresholds are the abstention of SRT (arXiv 2505.21444) and the margin of
    SCRL (arXiv 2603.19880), without the latter's negative rewards.

    When not to use it: where the most frequent answer is often wrong (hard questions, weak
    models), every step makes the wrong consensus firmer; and long after the votes agree, as the
    rise is followed by a fall.

    Args:
        tie: Who wins of several answers with the most votes: `"first"`, the one that appeared
            first, as in the reference implementation; `"abstain"`, nobody, and the group teaches
            nothing; `"share"`, all of them, each rewarded with 1 / their number, without a
            pseudo-label.
        min_ratio: The least share of the group that the winner needs, absent answers counted.
        min_margin: The least lead over the runner-up, as a share of the group. Above 0, a tie
            never passes, whatever the tie rule.
        min_votes: The least votes that the winner needs.

    >>> Majority(tie="share", min_ratio=0.3)
    Majority(tie='share', min_ratio=0.3, min_margin=0.0, min_votes=0)
    """

    tie: Literal["first", "abstain", "share"] = "first"
    min_ratio: float = 0.0
    min_margin: float = 0.0
    min_votes: int = 0

    def __post_init__(self) -> None:
        check_choice("tie", self.tie, ("first", "abstain", "share"))
        check_number("min_ratio", self.min_ratio, 0, 1)
        check_number("min_margin", self.min_margin, 0, 1)
        check_number("min_votes", self.min_votes, 0, whole=True)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        if not self._is_strong_enough(ballot):
            return Verdict.abstaining(ballot)
        winners = ballot.most_frequent()  # class numbers; several in a tie
        if len(winners) == 1 or self.tie == "first":
            return Verdict(ballot.agreement(winners[0]), pseudo_label=winners[0])
        if self.tie == "abstain":
            return Verdict.abstaining(ballot)
        return Verdict(np.isin(ballot.classes, winners) / len(winners), pseudo_label=None)

    def _is_strong_enough(self, ballot: Ballot) -> bool:
        votes = int(ballot.counts.max(initial=0))
        return (
            votes >= max(1, self.min_votes)
            and votes >= self.min_ratio * ballot.size
            and ballot.lead >= self.min_margin * ballot.size
        )
