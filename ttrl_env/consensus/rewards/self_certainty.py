"""Intuitor: the model's own certainty as the reward, without any vote.

- `SelfCertainty`: how far from uniform the next-token distributions are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import token_means
from ttrl_env.consensus.verdict import Verdict

__all__ = ["SelfCertainty"]


@reward(
    "self_certainty",
    summary="how sure the model is, no vote",
    paper="2505.19590",
    kind="certainty",
)
@dataclass(frozen=True)
class SelfCertainty:
    """Rewards certainty: r_i = mean over tokens of [logsumexp(z) - mean(z)].

    The mean of z is over the vocabulary of V tokens, so this is KL(U || p) + log V with U the
    uniform distribution: never below log V. An absent answer gets 0; the paper makes no
    difference. No pseudo-label is named, so label accuracy is 0 by definition.

    Source: Intuitor, arXiv 2505.19590; checked in public implementations. Those take z after
    division by the temperature, as here.

    When not to use it: alone for long. It rewards confidence, not truth, and is raised by dull or
    repeated text as much as by right answers.
    """

    needs_token_statistics: ClassVar[bool] = True

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        certainties = token_means(ballot.token_self_certainties, "self_certainties", self)
        return Verdict(
            np.where(ballot.answered, certainties, 0.0),
            pseudo_label=None,
            abstains=not ballot.answered.any(),
        )
