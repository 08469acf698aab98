"""M-GRPO's filter: completions of unusually low entropy teach nothing.

- `EntropyFilter`: a wrapper around any reward.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_number, token_means
from ttrl_env.consensus.rewards.inner import Around, check_inner
from ttrl_env.consensus.rewards.majority import Majority
from ttrl_env.consensus.verdict import Estimator, Verdict

__all__ = ["EntropyFilter"]


@reward(
    "entropy_filter",
    summary="another reward (inner=), completions of unusually low entropy left out",
    paper="2512.13070",
    kind="around another",
)
@dataclass
class EntropyFilter(Around):
    """Leaves out what lies far below the other entropies of its group.

    With H_i the mean entropy of the completion's tokens and Q1, Q3 the quartiles of H over the
    group, the advantage of each completion with H_i < Q1 - factor (Q3 - Q1) is multiplied by 0. It
    votes all the same.

    Source: the filter of M-GRPO, arXiv 2512.13070, with its factor 0.75; checked in public
    summaries of the paper, as the authors' code does not have it. That an entropy is a mean over
    tokens, and that what is left out still votes, is our reading. The other half of M-GRPO, a
    slowly moving copy of the policy that gives some of the votes, is a matter of sampling, and not
    part of this.

    When not to use it: with small groups, whose quartiles say little. With n = 2 and this factor
    nothing can be that far below; from n = 3 on one is left out now and then by mere chance.

    Args:
        inner: The reward whose advantages are filtered.
        factor: How many times the range between the quartiles an entropy may lie below them.
    """

    needs_token_statistics: ClassVar[bool] = True
    own_weights: ClassVar[bool] = True

    inner: Estimator = field(default_factory=Majority)
    factor: float = 0.75

    def __post_init__(self) -> None:
        check_inner(self.inner)
        check_number("factor", self.factor, 0)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        verdict = self.inner(ballot)
        entropies = token_means(ballot.token_entropies, "entropies", self)
        first, third = np.quantile(entropies, (0.25, 0.75))
        low = entropies < first - self.factor * (third - first)
        if not low.any():
            return verdict
        given = np.ones(ballot.size) if verdict.weights is None else verdict.weights
        return replace(verdict, weights=np.where(low, 0.0, given))
