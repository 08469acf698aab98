"""Controls: rewards that bound what a label-free reward can do.

- `Oracle`: the true labels, the paper's upper bound.
- `Random`: a coin, from which nothing can be learned.
"""

from __future__ import annotations

import numpy as np

from ttrl_benchmarks import SealedLabels
from ttrl_benchmarks.base import AnswerFormat
from ttrl_env.answers import answer_key
from ttrl_env.consensus.ballot import Ballot, Verdict

__all__ = ["Oracle", "Random"]


class Oracle:
    """Rewards agreement with the true label: the leakage upper bound of TTRL's section 4.

    The only reward that sees labels. Questions without one abstain.

    Args:
        labels: The labels of the benchmark.
        answer_format: How they are written.
    """

    def __init__(self, labels: SealedLabels, answer_format: AnswerFormat) -> None:
        self._labels = labels
        self._answer_format = answer_format

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        label = self._labels.reveal(ballot.question_id)
        if label is None:
            return Verdict(np.zeros(ballot.size), pseudo_label=None, abstains=True)
        key = answer_key(label, self._answer_format)
        right = ballot.keys.index(key) if key in ballot.keys else None
        rewards = np.zeros(ballot.size)
        if right is not None:
            rewards[ballot.classes == right] = 1.0
        return Verdict(rewards, pseudo_label=right)

    def __repr__(self) -> str:
        return f"Oracle({self._labels!r})"


class Random:
    """Rewards each completion that has an answer with a fair coin.

    The coin is a pure function of the seed and the visit, so that a run repeats exactly.
    Source: Spurious Rewards, arXiv 2506.10947.

    Args:
        seed: Names the coins.
        probability: The chance of a reward of 1.
    """

    def __init__(self, seed: int = 0, probability: float = 0.5) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f"probability must be in [0, 1], not {probability}")
        self.seed = seed
        self.probability = probability

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, ballot.position]))
        coins = rng.random(ballot.size) < self.probability
        return Verdict((coins & (ballot.classes >= 0)).astype(np.float64), pseudo_label=None)

    def __repr__(self) -> str:
        return f"Random(seed={self.seed}, probability={self.probability})"
