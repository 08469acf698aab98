"""ETTRL's advantage reshaping: sure completions teach more, or no completion teaches much.

- `EntropyShaped`: a wrapper around any reward.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import brings_of, may_need, reward
from ttrl_env.consensus.rewards.common import (
    check_choice,
    check_number,
    exact_mean,
    group_advantages,
    token_means,
)
from ttrl_env.consensus.rewards.inner import (
    Around,
    check_inner,
    needs,
)
from ttrl_env.consensus.rewards.majority import Majority
from ttrl_env.consensus.verdict import Estimator, Verdict

__all__ = ["EntropyShaped"]


@reward(
    "entropy_shaped",
    summary="another reward (inner=), sure completions taught harder",
    paper="2508.11356",
    kind="around another",
)
@dataclass
class EntropyShaped(Around):
    """Scales the advantages of another reward by how sure the completions are, or clips them.

    - `"scale"`: A_i <- A_i · (1 + (H' - H_i) / H') = A_i · (2 - H_i / H'), with H_i the mean
      entropy of the completion's tokens and H' the mean of that over the group. A weight below 0
      would turn an advantage round, so it is 0 instead.
    - `"clip"`: A_i <- min(max(A_i, -limit), limit), with A_i the other reward's own advantages or
      else the group-relative ones. It needs no entropies.

    Source: entropy-based advantage reshaping of ETTRL, arXiv 2508.11356; both formulas checked in
    public summaries of the paper, not in code, and the floor at 0 is ours. Its tree-shaped
    rollouts are a matter of sampling, and not part of this.

    When not to use it: where the model is surer of its mistakes than of right answers; scaling
    then teaches those harder, and entropy falls faster than without.

    Args:
        inner: The reward whose advantages are shaped.
        mode: `"scale"` or `"clip"`.
        limit: The largest advantage; only the mode `"clip"` has it.
    """

    inner: Estimator = field(default_factory=Majority)
    mode: Literal["scale", "clip"] = "scale"
    limit: float = 1.0

    def __post_init__(self) -> None:
        check_inner(self.inner)
        check_choice("mode", self.mode, ("scale", "clip"))
        check_number("limit", self.limit, 0)

    @may_need
    def needs_token_statistics(self) -> bool:
        """Scaling needs entropies; the other reward may need them too."""
        return self.mode == "scale" or needs(self.inner, "token_statistics")

    @may_need
    def own_advantages(self) -> bool:
        """Clipping makes advantages; the other reward may have some too."""
        return self.mode == "clip" or "advantages" in brings_of(self.inner)

    @may_need
    def own_weights(self) -> bool:
        """Scaling makes weights; the other reward may have some too."""
        return self.mode == "scale" or "weights" in brings_of(self.inner)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        verdict = self.inner(ballot)
        if self.mode == "clip":
            own = verdict.advantages
            advantages = group_advantages(verdict.rewards) if own is None else own
            clipped = np.clip(advantages, -self.limit, self.limit)
            return replace(verdict, advantages=clipped)
        entropies = token_means(ballot.token_entropies, "entropies", self)
        group_mean = exact_mean(entropies)
        if group_mean == 0:
            return verdict
        weights = np.maximum(2 - entropies / group_mean, 0.0)
        if verdict.weights is not None:
            weights = weights * verdict.weights
        return replace(verdict, weights=weights)
