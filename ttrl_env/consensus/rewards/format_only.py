"""The format reward, a control: any answer at all is rewarded.

- `FormatOnly`: the reward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.verdict import Verdict

__all__ = ["FormatOnly"]


@reward("format_only", summary="any answer at all (control)", paper="2506.10947", kind="control")
@dataclass(frozen=True)
class FormatOnly:
    """Rewards every completion that has an answer and ended by itself, whatever it says.

    r_i = 1[a_i is there and the completion finished].

    Source: after the format reward of Spurious Rewards, arXiv 2506.10947; known to us second-hand.

    When not to use it: for anything but a comparison. It shows how much of a gain is the model
    learning to answer in the box and to stop in time.
    """

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        rewards = (ballot.answered & ballot.finished).astype(np.float64)
        return Verdict(rewards, pseudo_label=None, abstains=not ballot.answered.any())
