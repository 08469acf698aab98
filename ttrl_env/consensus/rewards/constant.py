"""The constant reward, a control: no completion is rewarded.

- `Constant`: the reward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.verdict import Verdict

__all__ = ["Constant"]


@reward("constant", summary="nothing (control: the weights must not move)", kind="control")
@dataclass(frozen=True)
class Constant:
    """Rewards nobody: r_i = 0, so that no group has a gradient.

    A run with it measures what the loop does without any signal: the weights must not move. It
    does not abstain, so that it takes the learner's path for groups without contrast.

    When not to use it: for anything but that check.
    """

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        nothing = np.zeros(ballot.size)
        return Verdict(nothing, pseudo_label=None, abstains=not ballot.answered.any())
