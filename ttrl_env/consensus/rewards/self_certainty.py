"""The model's own certainty as the reward, without any vote.

- `SelfCertainty`: Intuitor; how far from uniform the next-token distributions are.
- `NegativeEntropy`: RENT; how low their entropy is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ttrl_env.consensus.ballot import Ballot, Verdict
from ttrl_env.consensus.rewards.common import check_number, token_means

__all__ = ["NegativeEntropy", "SelfCertainty"]


@dataclass(frozen=True)
class SelfCertainty:
    """Rewards certainty: r_i = mean over tokens of [logsumexp(z) - mean(z)].

    The mean of z is over the vocabulary of V tokens, so this is KL(U || p) + log V with U the
    uniform distribution: never below log V. An absent answer is paid 0; the paper pays it as any
    other. No pseudo-label is named, so label accuracy is 0 by definition.

    Source: Intuitor, arXiv 2505.19590; checked in public implementations. Those take z after
    division by the temperature, as here.

    When not to use it: alone for long. It pays confidence, not truth, and is raised by dull or
    repeated text as much as by right answers.
    """

    needs_token_statistics: ClassVar[bool] = True
    order_matters: ClassVar[str] = "never"

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        certainties = token_means(ballot.token_self_certainties, "self_certainties", self)
        return Verdict(
            np.where(ballot.answered, certainties, 0.0),
            pseudo_label=None,
            abstains=not ballot.answered.any(),
        )


@dataclass(frozen=True)
class NegativeEntropy:
    """Rewards low entropy: r_i = - mean over tokens of H_t.

    H_t is the entropy of the distribution that token t was drawn from, in nats. An absent answer
    is paid as the least sure of the answers; the paper pays it as any other. No pseudo-label is
    named, so label accuracy is 0 by definition.

    Source: RENT, arXiv 2505.22660; the formula checked on the project's page, which also says that
    the tokens near the end matter most (`tail`).

    When not to use it: alone for long. Entropy falls whatever the answers are, and with it all
    exploration; that is entropy collapse by design.

    Args:
        tail: The share of a completion's tokens that count, the last ones.
    """

    needs_token_statistics: ClassVar[bool] = True
    order_matters: ClassVar[str] = "never"

    tail: float = 1.0

    def __post_init__(self) -> None:
        check_number("tail", self.tail, 0, 1)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        rewards = -token_means(ballot.token_entropies, "entropies", self, tail=self.tail)
        if not ballot.answered.any():
            return Verdict(np.zeros(ballot.size), pseudo_label=None, abstains=True)
        lowest = rewards[ballot.answered].min()
        return Verdict(np.where(ballot.answered, rewards, lowest), pseudo_label=None)
