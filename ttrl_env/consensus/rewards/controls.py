"""Controls: rewards that bound what a label-free reward can do.

- `Oracle`: the true labels, the paper's upper bound.
- `Random`: a coin, from which nothing can be learned.
- `FormatOnly`: pays any answer at all.
- `Constant`: pays nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ttrl_benchmarks import SealedLabels
from ttrl_benchmarks.base import AnswerFormat
from ttrl_env.answers import answer_key
from ttrl_env.consensus.ballot import Ballot, Verdict
from ttrl_env.consensus.rewards.common import check_number

__all__ = ["Constant", "FormatOnly", "Oracle", "Random"]


class Oracle:
    """Rewards agreement with the true label: the leakage upper bound of TTRL's section 4.

    r_i = 1[a_i = label]. The only reward that sees labels. A group without any answer abstains, and
    so does one whose question has no label.

    Source: TTRL, arXiv 2504.16084, figure 8.

    When not to use it: for anything but a comparison; it is supervised learning.

    Args:
        labels: The labels of the benchmark.
        answer_format: How they are written.
    """

    order_matters: ClassVar[str] = "never"

    def __init__(self, labels: SealedLabels, answer_format: AnswerFormat) -> None:
        self._labels = labels
        self._answer_format = answer_format

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        label = self._labels.reveal(ballot.question_id)
        if label is None or not ballot.answered.any():
            return Verdict(np.zeros(ballot.size), pseudo_label=None, abstains=True)
        key = answer_key(label, self._answer_format)
        right = ballot.keys.index(key) if key in ballot.keys else None
        return Verdict(ballot.agreement(right), pseudo_label=right)

    def __repr__(self) -> str:
        return f"Oracle({self._labels!r})"


@dataclass(frozen=True)
class Random:
    """Rewards each completion that has an answer with a fair coin.

    r_i = 1 with the given probability, else 0; an absent answer is paid 0. The coin is a pure
    function of the seed, the visit and the place in the group, so that a run repeats exactly.

    Source: Spurious Rewards, arXiv 2506.10947, where it lifts some models nearly as far as majority
    voting does; known to us second-hand.

    When not to use it: for anything but a comparison. What a reward gains over this is what its
    signal is worth.

    Args:
        seed: Names the coins.
        probability: The chance of a reward of 1.
    """

    order_matters: ClassVar[str] = "always"

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


@dataclass(frozen=True)
class FormatOnly:
    """Rewards every completion that has an answer and ended by itself, whatever it says.

    r_i = 1[a_i is there and the completion finished].

    Source: after the format reward of Spurious Rewards, arXiv 2506.10947; known to us second-hand.

    When not to use it: for anything but a comparison. It tells how much of a gain is the model
    learning to answer in the box and to stop in time.
    """

    order_matters: ClassVar[str] = "never"

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        rewards = (ballot.answered & ballot.finished).astype(np.float64)
        return Verdict(rewards, pseudo_label=None, abstains=not ballot.answered.any())


@dataclass(frozen=True)
class Constant:
    """Rewards nobody: r_i = 0, so that no group has a gradient.

    A run with it measures what the loop does without any signal: the weights must not move. It
    does not abstain, so that it takes the learner's path for groups without contrast.

    When not to use it: for anything but that check.
    """

    order_matters: ClassVar[str] = "never"

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        nothing = np.zeros(ballot.size)
        return Verdict(nothing, pseudo_label=None, abstains=not ballot.answered.any())
