"""RESTRAIN: every answer is a pseudo-label for as much as the votes trust it.

- `RESTRAIN`: the reward.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import may_need, reward
from ttrl_env.consensus.rewards.common import (
    Floats,
    check_choice,
    check_number,
    elect,
    group_advantages,
)
from ttrl_env.consensus.verdict import Verdict

__all__ = ["RESTRAIN"]


@reward(
    "restrain",
    summary="every answer by its votes, and a penalty on scattered groups",
    paper="2510.02172",
)
@dataclass
class RESTRAIN:
    """Averages the advantages under every pseudo-label, and punishes groups that hardly agree.

    A_i = u · sum_j w_j A_i(a_j), where A_i(a_j) are the group-relative advantages of the rewards
    1[a_i = a_j], and the weights w_j = g(c_j / n) / sum_k g(c_k / n) with the Gaussian
    g(f) = exp(-(f - centre)² / (2 sigma²)). If even the most frequent answer has fewer than
    `min_votes` votes, rewards are 0 and every advantage is -`penalty`. The rewards reported are
    sum_j w_j 1[a_i = a_j], so an absent answer has 0 and the lowest advantage. A group without any
    answer abstains.

    u weighs the question by how far a frozen model agrees on it. With `prompt_weight="first_vote"`
    it is g of the majority ratio at the question's first visit, at which the policy is still close
    to the initial one; it is kept with checkpoints.

    Source: RESTRAIN, arXiv 2510.02172; known to us second-hand, from the abstract and notes. The
    shape of g, what u is made of and all defaults are our reading; the authors' code is not
    public.

    When not to use it: where four options cannot be tuned; and `penalty` pushes whole groups away
    from what they wrote without saying where to, so a large one undoes a model whose votes are
    scattered.

    Args:
        centre: The share of votes that is trusted most.
        sigma: How fast trust falls off; small is close to the majority reward.
        min_votes: Groups whose most frequent answer has fewer are punished.
        penalty: The advantage taken from them.
        prompt_weight: `"equal"`, so that u = 1, or `"first_vote"`.
    """

    own_advantages: ClassVar[bool] = True

    centre: float = 1.0
    sigma: float = 0.5
    min_votes: int = 3
    penalty: float = 1.0
    prompt_weight: Literal["equal", "first_vote"] = "equal"
    _first: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        check_number("centre", self.centre, 0, 1)
        check_number("sigma", self.sigma, 1e-3)
        check_number("min_votes", self.min_votes, 0, whole=True)
        check_number("penalty", self.penalty, 0)
        check_choice("prompt_weight", self.prompt_weight, ("equal", "first_vote"))

    @may_need
    def own_weights(self) -> bool:
        """Whether questions have a weight."""
        return self.prompt_weight == "first_vote"

    @property
    def remembers(self) -> bool:
        """Whether questions have a weight from their first visit."""
        return self.prompt_weight == "first_vote"

    def state_dict(self) -> dict[str, Any]:
        """Returns the weight of every question that was seen."""
        return {"first": dict(self._first)} if self._first else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        self._first = {str(name): float(weight) for name, weight in state.get("first", {}).items()}

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        weights = None
        if self.prompt_weight == "first_vote":
            now = math.exp(self._exponent(ballot.majority_ratio))
            weight = self._first.setdefault(ballot.question_id, now)
            weights = np.full(ballot.size, weight)
        winner = elect(ballot.counts)
        if winner is None:
            return Verdict.abstaining(ballot)
        if ballot.counts[winner] < self.min_votes:
            return Verdict(
                np.zeros(ballot.size),
                pseudo_label=None,
                advantages=np.full(ballot.size, -self.penalty),
                weights=weights,
            )
        # Against the largest, as a small sigma would make each of them 0.
        exponents = [self._exponent(count / ballot.size) for count in ballot.counts]
        trusts = [math.exp(each - max(exponents)) for each in exponents]
        whole = math.fsum(trusts)
        shares = np.array([trust / whole for trust in trusts])
        under = np.array([group_advantages(ballot.agreement(each)) for each in range(len(shares))])
        # fsum, as the classes come in the order of their first member.
        advantages: Floats = np.array([math.fsum(column) for column in (shares * under.T)])
        return Verdict(
            ballot.spread(shares),
            pseudo_label=winner,
            advantages=advantages,
            weights=weights,
        )

    def _exponent(self, share: float) -> float:
        return -((share - self.centre) ** 2) / (2 * self.sigma**2)
