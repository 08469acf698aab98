"""Self-Harmony: one pseudo-label, the answer that is frequent under both wordings.

- `SelfHarmony`: the reward; the second half of its groups answers a rephrased prompt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_flag, elect
from ttrl_env.consensus.rewards.halves import counts_within, half_advantages, halves_of
from ttrl_env.consensus.verdict import Verdict

__all__ = ["SelfHarmony"]


@reward(
    "self_harmony",
    summary="agreement with what both wordings lead to",
    paper="2511.01191",
    kind="second opinion",
)
@dataclass(frozen=True)
class SelfHarmony:
    """Rewards agreement with the answer that both wordings lead to.

    y* = argmax_a 2 p p' / (p + p'), the harmonic mean of the answer's shares p and p' of the two
    halves; r_i = 1[a_i = y*] for both. An answer that one half never gives scores 0. Of equal
    scores, the answer that appeared first wins; where all are 0, the group abstains.

    Source: Self-Harmony, arXiv 2511.01191; known to us from its abstract and a summary. There the
    model rephrases the question itself and is rewarded for that too; here the paraphrase is given.

    When not to use it: as for Co-rewarding; and with hard questions, many groups abstain.

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
        kinds = len(ballot.counts)
        counts = [counts_within(ballot, half) for half in halves]
        one, other = (count / int(half.sum()) for count, half in zip(counts, halves, strict=True))
        scores = np.divide(
            2 * one * other, one + other, out=np.zeros(kinds), where=(one > 0) & (other > 0)
        )
        winner = elect(scores)
        if winner is None or scores[winner] == 0:
            return Verdict.abstaining(ballot)
        rewards = ballot.agreement(winner)
        advantages = half_advantages(rewards, halves, self.scale_by_std)
        return Verdict(rewards, pseudo_label=winner, advantages=advantages)
