"""SCRL: reward firm majorities, punish rare and unsure answers, ignore the rest.

- `SCRL`: the reward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_choice, check_number, exact_mean, token_means
from ttrl_env.consensus.verdict import Verdict

__all__ = ["SCRL"]


@reward(
    "scrl", summary="firm majorities, and a penalty on rare, unsure answers", paper="2603.19880"
)
@dataclass(frozen=True)
class SCRL:
    """Rewards asymmetrically: +1 for a firm majority, -1 for what is rare and unsure, else 0.

    With p the share of an answer in the group, H its members' mean entropy a token and H' that of
    the whole group:

    - positive: the most frequent answer, if p >= min_ratio and it leads by more than min_margin;
    - negative: any other answer with p < rare and H >= H';
    - an absent answer: -1.

    `"continuous"` grades that: p - c (H - H') for the positive answer, (p - rare) - c (H - H') for
    a negative one and -c (H - H') for any other, with c the entropy coefficient. An absent answer
    then gets -1 or the lowest reward of the group, whichever is less, so that it is never worth
    more than an answer. A group without any answer abstains.

    Source: SCRL, arXiv 2603.19880; checked in the authors' code (defaults of its example; its
    class defaults are 0.5, 0.15 and 0.15).

    When not to use it: with few votes, where any answer is rare, and with questions that have
    many right answers that the answer format does not take for one.

    Args:
        min_ratio: The share that the majority needs.
        min_margin: What its lead has to exceed, as a share of the group.
        rare: Answers below this share may be negative.
        mode: `"binary"` or `"continuous"`.
        entropy_coefficient: c above; only the continuous mode has it.
    """

    needs_token_statistics: ClassVar[bool] = True

    min_ratio: float = 0.375
    min_margin: float = 0.125
    rare: float = 0.125
    mode: Literal["binary", "continuous"] = "binary"
    entropy_coefficient: float = 0.1

    def __post_init__(self) -> None:
        for name in ("min_ratio", "min_margin", "rare"):
            check_number(name, getattr(self, name), 0, 1)
        check_choice("mode", self.mode, ("binary", "continuous"))
        check_number("entropy_coefficient", self.entropy_coefficient, 0)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        entropies = token_means(ballot.token_entropies, "entropies", self)
        if len(ballot.counts) == 0:
            return Verdict.abstaining(ballot, reward=-1.0)
        shares = ballot.counts / ballot.size
        group_mean = exact_mean(entropies)
        means = [exact_mean(entropies[ballot.classes == each]) for each in range(len(shares))]
        excess = np.array(means) - group_mean
        positive = self._positive(ballot)
        negative = (shares < self.rare) & (excess >= 0)
        if positive is not None:
            negative[positive] = False
        if self.mode == "binary":
            by_class = np.where(negative, -1.0, 0.0)
            if positive is not None:
                by_class[positive] = 1.0
        else:
            by_class = np.where(negative, shares - self.rare, 0.0)
            if positive is not None:
                by_class[positive] = shares[positive]
            by_class = by_class - self.entropy_coefficient * excess
        lowest = min(-1.0, float(by_class.min()))
        return Verdict(ballot.spread(by_class, absent=lowest), pseudo_label=positive)

    def _positive(self, ballot: Ballot) -> int | None:
        winner = int(ballot.counts.argmax())
        if ballot.counts[winner] < self.min_ratio * ballot.size:
            return None
        alone = len(ballot.counts) == 1
        return winner if alone or ballot.lead > self.min_margin * ballot.size else None
