"""Co-rewarding: each wording of a question is judged by the other's majority.

- `CoRewarding`: the reward; the second half of its groups answers a rephrased prompt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_flag
from ttrl_env.consensus.rewards.halves import elect_within, half_advantages, halves_of
from ttrl_env.consensus.verdict import Verdict

__all__ = ["CoRewarding"]


@reward(
    "co_rewarding",
    summary="agreement with the other wording's majority",
    paper="2508.00410",
    kind="second opinion",
)
@dataclass(frozen=True)
class CoRewarding:
    """Rewards agreement with the majority of the other wording: r_i = 1[a_i = y*(other half)].

    Where both halves elect the same answer, it is the pseudo-label; else there is none, and each
    half still learns from the other. Of several answers with the most votes, the one that appeared
    first wins. A half whose counterpart has no answers gets 0; a group without any answer
    abstains.

    Source: Co-rewarding-I, arXiv 2508.00410; checked in the authors' code. Its second variant, a
    slowly moving teacher, is another matter.

    When not to use it: with paraphrases that change the question, and where a group is too small
    to be halved: each majority is of half the votes.

    Args:
        scale_by_std: Whether advantages are divided by the standard deviation of the half.
    """

    needs_two_prompts: ClassVar[bool] = True
    own_advantages: ClassVar[bool] = True

    scale_by_std: bool = True

    def __post_init__(self) -> None:
        check_flag("scale_by_std", self.scale_by_std)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        halves = halves_of(ballot, self)
        labels = [elect_within(ballot, half) for half in halves]
        rewards = np.zeros(ballot.size)
        for half, label in zip(halves, reversed(labels), strict=True):
            rewards[half] = ballot.agreement(label)[half]
        return Verdict(
            rewards,
            pseudo_label=labels[0] if labels[0] == labels[1] else None,
            abstains=not ballot.answered.any(),
            advantages=half_advantages(rewards, halves, self.scale_by_std),
        )
