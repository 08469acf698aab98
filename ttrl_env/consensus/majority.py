"""Majority voting, the reward of TTRL.

- `Majority`: 1 for the completions that agree with the most frequent answer, else 0.
"""

from __future__ import annotations

import numpy as np

from ttrl_env.consensus.ballot import Ballot, Verdict

__all__ = ["Majority"]


class Majority:
    """Rewards agreement with the majority: r(y_i) = 1[answer_i = y*], y* the mode of the votes.

    Of several answers with the most votes, the one that appeared first wins, as in the reference
    implementation. A group without any answer abstains. Source: TTRL, arXiv 2504.16084,
    equation 3.
    """

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        if len(ballot.counts) == 0:
            return Verdict(np.zeros(ballot.size), pseudo_label=None, abstains=True)
        winner = int(np.argmax(ballot.counts))
        return Verdict((ballot.classes == winner).astype(np.float64), pseudo_label=winner)

    def __repr__(self) -> str:
        return "Majority()"
