"""Confidence-weighted voting (DeepConf): sure completions count for more.

- `DeepConf`: the reward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import may_need, reward
from ttrl_env.consensus.rewards.common import (
    check_choice,
    check_number,
    class_sums,
    elect,
    measured_tokens,
)
from ttrl_env.consensus.verdict import Verdict

__all__ = ["DeepConf"]


@reward("deepconf", summary="agreement with the confident completions' vote", paper="2508.15260")
@dataclass(frozen=True)
class DeepConf:
    """Rewards agreement with the answer that the confident completions vote for.

    Each completion's vote weighs its confidence C_i; of those with an answer, only the most
    confident share `keep` votes at all. y* = argmax_a sum of C_i over a_i = a; r_i = 1[a_i = y*],
    for those that had no vote too. A completion's confidence is made of its tokens':

    - `"mean"`: their mean;
    - `"tail"`: the mean of the last `window`;
    - `"worst_window"`: the lowest mean of any `window` tokens in a row;
    - `"worst_windows"`: the mean of the lowest tenth of those means.

    A completion shorter than the window counts as one window. Of equal scores, the answer that
    appeared first wins.

    Source: DeepConf, arXiv 2508.15260, a rule for inference which this makes a reward; checked in
    the authors' code. They measure a token's confidence by the mean negative log-probability of
    its 20 likeliest tokens. Here it is that of the whole vocabulary (`"self_certainty"`), or, from
    log-probabilities alone, the probability of the token that was drawn (`"probability"`, with
    geometric means).

    When not to use it: where the model is sure of its mistakes, which training on its own votes
    brings about; `keep` below about 4 votes leaves the choice to chance.

    Args:
        statistic: How tokens make a completion.
        window: Tokens in a window or a tail.
        keep: The share of the answered completions that vote; 0.1 and 0.9 are the authors' "low"
            and "high".
        measure: The confidence of a token.
    """

    statistic: Literal["mean", "tail", "worst_window", "worst_windows"] = "mean"
    window: int = 2048
    keep: float = 0.9
    measure: Literal["self_certainty", "probability"] = "self_certainty"

    def __post_init__(self) -> None:
        check_choice("statistic", self.statistic, ("mean", "tail", "worst_window", "worst_windows"))
        check_number("window", self.window, 1, whole=True)
        check_number("keep", self.keep, 0, 1)
        check_choice("measure", self.measure, ("self_certainty", "probability"))

    @may_need
    def needs_token_statistics(self) -> bool:
        """Whether log-probabilities are not enough."""
        return self.measure == "self_certainty"

    @property
    def needs_log_probs(self) -> bool:
        """Whether log-probabilities are enough."""
        return self.measure == "probability"

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        tokens = measured_tokens(ballot, self.measure, self)
        if len(ballot.counts) == 0:
            return Verdict.abstaining(ballot)
        confidences = np.array([self._confidence(row) for row in tokens])
        if self.measure == "probability":
            confidences = np.exp(confidences)
        bar = np.quantile(confidences[ballot.answered], 1 - self.keep)
        winner = elect(class_sums(ballot, np.where(confidences >= bar, confidences, 0.0)))
        return Verdict(ballot.agreement(winner), pseudo_label=winner)

    def _confidence(self, tokens: npt.NDArray[np.float32]) -> float:
        values = tokens.astype(np.float64)
        if values.size == 0:
            return 0.0
        if self.statistic == "tail":
            values = values[-self.window :]
        if self.statistic in ("mean", "tail") or values.size <= self.window:
            return float(values.mean())
        sums = np.cumsum(np.concatenate([[0.0], values]))
        means = np.sort((sums[self.window :] - sums[: -self.window]) / self.window)
        if self.statistic == "worst_window":
            return float(means[0])
        return float(means[: max(1, int(0.1 * means.size))].mean())
