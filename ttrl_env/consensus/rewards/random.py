"""The coin, a control: rewards from which nothing can be learned.

- `Random`: the reward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_number
from ttrl_env.consensus.verdict import Verdict

__all__ = ["Random"]


@reward("random", summary="a coin (control: nothing to learn)", paper="2506.10947", kind="control")
@dataclass(frozen=True)
class Random:
    """Rewards each completion that has an answer with a fair coin.

    r_i = 1 with the given probability, else 0; an absent answer gets 0. The coin is a pure
    function of the seed, the visit and the place in the group, so that a run repeats exactly.

    Source: Spurious Rewards, arXiv 2506.10947, where it lifts some models nearly as far as majority
    voting does; known to us second-hand.

    When not to use it: for anything but a comparison. What a reward gains over this is what its
    signal is worth.

    Args:
        seed: Names the coins.
        probability: The chance of a reward of 1.
    """

    seed: int = 0
    probability: float = 0.5

    def __post_init__(self) -> None:
        check_number("seed", self.seed, 0, whole=True)
        check_number("probability", self.probability, 0, 1)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, ballot.position]))
        coins = rng.random(ballot.size) < self.probability
        return Verdict(
            (coins & ballot.answered).astype(np.float64),
            pseudo_label=None,
            abstains=not ballot.answered.any(),
        )
