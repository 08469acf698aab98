"""The weighted sum of rewards, as in `majority + 0.1*format_only`.

- `WeightedSum`: the reward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import brings_of
from ttrl_env.consensus.errors import RewardError
from ttrl_env.consensus.rewards.common import check_number
from ttrl_env.consensus.rewards.inner import (
    check_inner,
    inner_state,
    load_inner_state,
    needs,
    remembers,
)
from ttrl_env.consensus.verdict import Estimator, Verdict

__all__ = ["WeightedSum"]


@dataclass(frozen=True)
class WeightedSum:
    """Adds rewards up: r_i = sum of w · r_i over its terms.

    As text it is written `majority + 0.1*format_only`. The pseudo-label is that of the first term
    that names one. A term that abstains adds nothing, and the sum abstains where all terms do.
    Weights are above 0, so that an absent answer, which every reward gives the least, has the least
    here too.

    When not to use it: with rewards that bring advantages or weights of their own, such as `ddrl`,
    `co_rewarding` and `entropy_shaped`; these raise an error, since a sum of rewards does not say
    what becomes of them. Put such a reward around the sum where it takes `inner=`. And with a
    weight that is meant to be small, beside an algorithm that divides by the standard deviation:
    where the other terms reward all of a group alike, or abstain, the small one teaches as much as
    a large one would.

    Args:
        terms: Pairs of a weight and a reward.
    """

    terms: tuple[tuple[float, Estimator], ...]

    def __post_init__(self) -> None:
        if len(self.terms) == 0:
            raise ValueError("a sum needs at least one reward")
        for weight, estimator in self.terms:
            check_inner(estimator)
            check_number("a weight", weight, 0)
            if weight == 0:
                raise ValueError("a weight must be above 0, not 0")
            if brings_of(estimator):
                raise _not_added(estimator)

    @property
    def needs_token_statistics(self) -> bool:
        """Whether a term needs them."""
        return any(needs(estimator, "token_statistics") for _, estimator in self.terms)

    @property
    def needs_labels(self) -> bool:
        """Whether a term needs them."""
        return any(needs(estimator, "labels") for _, estimator in self.terms)

    @property
    def needs_log_probs(self) -> bool:
        """Whether a term needs them."""
        return any(needs(estimator, "log_probs") for _, estimator in self.terms)

    @property
    def needs_two_prompts(self) -> bool:
        """Whether a term needs them."""
        return any(needs(estimator, "two_prompts") for _, estimator in self.terms)

    @property
    def remembers(self) -> bool:
        """Whether a term remembers anything between visits."""
        return any(remembers(estimator) for _, estimator in self.terms)

    def state_dict(self) -> dict[str, Any]:
        """Returns what the terms remember; nothing, where none remembers anything."""
        states = [inner_state(estimator) for _, estimator in self.terms]
        return {"terms": states} if any(states) else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        states = state.get("terms", [{}] * len(self.terms))
        for (_, estimator), of_term in zip(self.terms, states, strict=True):
            load_inner_state(estimator, of_term)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        rewards, label, abstains = np.zeros(ballot.size), None, True
        for weight, estimator in self.terms:
            verdict = estimator(ballot)
            if verdict.advantages is not None or verdict.weights is not None:
                raise _not_added(estimator)
            if label is None:
                label = verdict.pseudo_label
            if not verdict.abstains:
                rewards += weight * verdict.rewards
                abstains = False
        return Verdict(rewards, label, abstains)


def _not_added(estimator: Estimator) -> RewardError:
    return RewardError(
        f"{estimator!r} cannot be added to other rewards: it brings advantages or weights of its "
        "own. Use it alone, or around the sum where it takes inner=."
    )
