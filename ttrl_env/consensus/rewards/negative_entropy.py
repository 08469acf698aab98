"""RENT: low entropy as the reward, without any vote.

- `NegativeEntropy`: how low the entropy of the next-token distributions is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_number, token_means
from ttrl_env.consensus.verdict import Verdict

__all__ = ["NegativeEntropy"]


@reward(
    "negative_entropy",
    summary="low token entropy, no vote",
    paper="2505.22660",
    kind="certainty",
)
@dataclass(frozen=True)
class NegativeEntropy:
    """Rewards low entropy: r_i = - mean over tokens of H_t.

    H_t is the entropy of the distribution that token t was drawn from, in nats. An absent answer
    is rewarded as the least sure of the answers; the paper makes no difference. No pseudo-label is
    named, so label accuracy is 0 by definition.

    Source: RENT, arXiv 2505.22660; the formula checked on the project's page, which also says that
    the tokens near the end matter most (`tail`).

    When not to use it: alone for long. Entropy falls whatever the answers are, and with it all
    exploration; that is entropy collapse by design.

    Args:
        tail: The share of a completion's tokens that count, the last ones.
    """

    needs_token_statistics: ClassVar[bool] = True

    tail: float = 1.0

    def __post_init__(self) -> None:
        check_number("tail", self.tail, 0, 1)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        rewards = -token_means(ballot.token_entropies, "entropies", self, tail=self.tail)
        if not ballot.answered.any():
            return Verdict.abstaining(ballot)
        lowest = rewards[ballot.answered].min()
        return Verdict(np.where(ballot.answered, rewards, lowest), pseudo_label=None)
