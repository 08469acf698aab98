"""TTRL-Guard: a vote that trusts an answer less while it flips, and after it has.

- `Guard`: a wrapper around any reward that names a pseudo-label.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import brings_of, may_need, reward
from ttrl_env.consensus.rewards.common import (
    check_flag,
    check_number,
    exact_mean,
    group_advantages,
)
from ttrl_env.consensus.rewards.inner import Around, check_inner, inner_state, load_inner_state
from ttrl_env.consensus.rewards.majority import Majority
from ttrl_env.consensus.verdict import Estimator, Verdict

__all__ = ["Guard"]

_LEAST_WEIGHT = 0.1


@dataclass
class _History:
    """What is remembered of a question.

    Attributes:
        position: The position of its last visit with an answer.
        answer: The winner there.
        flipped: Whether that was another than at the visit before.
        doubted: Whether it was weighed down there for never having flipped.
        visits: Visits with an answer.
        flips: How many of them had flipped.
        doubts: How many were weighed down for never having flipped.
        ratios: The majority ratios of the last of them.
    """

    position: int
    answer: str
    flipped: bool = False
    doubted: bool = False
    visits: int = 0
    flips: int = 0
    doubts: int = 0
    ratios: list[float] = field(default_factory=list)


@reward(
    "guard",
    summary="another reward (inner=), questions whose votes flip or had flipped taught less",
    paper="2605.19444",
    kind="around another",
)
@dataclass
class Guard(Around):
    """Weighs, skips and corrects another reward by how the winner of a question has flipped.

    With F = 1 where the winner is another than at the question's last visit, else 0, m the majority
    ratio now and M its mean over the last `window` visits:

    - scaling: all advantages of the group times w = 1 - flip_weight · F; if F = 1 and m > firm,
      also times 1 - doubt; if the winner has never flipped in `window` visits or more and M > firm,
      times 1 - doubt / 2, at most `window` times a question; w is 0.1 or more;
    - minorities: if F = 1, each answer but the winner that has a quarter of the votes (rounded
      down) or more gets on its advantage bonus · c / C · mean |A|, with c its votes, C those of all
      such answers and A the advantages after scaling;
    - skipping: a question whose winner has flipped, with `window` visits or more and M > risky,
      abstains with the probability `skip`. The coin is a pure function of the visit, so that a run
      repeats exactly.

    Source: TTRL-Guard, arXiv 2605.19444; checked in the authors' code. It differs in three points.
    There at most a quarter of a step's questions are skipped: a reward sees one group. There a
    completion without an answer gets a twentieth of the mean bonus: here an absent answer gains
    nothing. And a bonus can only be given at a flip there too, since its factor is 0 where F is 0,
    so the count of steps for which protection stays on is left out. The paper's runs of Llama leave
    out the scaling (`scale=false`) and have `risky=0.5`.

    When not to use it: with questions that are seen fewer than a handful of times, where nearly
    nothing of it applies.

    Args:
        inner: The reward that votes.
        scale: Whether advantages are scaled.
        flip_weight: What a flip takes off the weight.
        doubt: What a firm vote takes off it that flips, and half of it one that never has.
        firm: The majority ratio above which a vote is firm.
        bonus: The bonus of minorities; 0 gives none.
        window: Visits that M is taken over, and that scaling and skipping wait for.
        risky: The mean majority ratio above which a question that has flipped may be skipped.
        skip: The chance of that; 0 never skips.
        seed: Names the coins.
    """

    own_weights: ClassVar[bool] = True
    remembers: ClassVar[bool] = True

    inner: Estimator = field(default_factory=Majority)
    scale: bool = True
    flip_weight: float = 0.5
    doubt: float = 0.3
    firm: float = 0.6
    bonus: float = 0.3
    window: int = 5
    risky: float = 0.7
    skip: float = 0.7
    seed: int = 0
    _seen: dict[str, _History] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        check_inner(self.inner)
        check_flag("scale", self.scale)
        for name in ("flip_weight", "doubt", "firm", "bonus", "risky", "skip"):
            check_number(name, getattr(self, name), 0, 1)
        check_number("window", self.window, 1, whole=True)
        check_number("seed", self.seed, 0, whole=True)

    @may_need
    def own_advantages(self) -> bool:
        """The bonus of minorities makes advantages; the other reward may have some too."""
        return self.bonus > 0 or "advantages" in brings_of(self.inner)

    def state_dict(self) -> dict[str, Any]:
        """Returns what is remembered of each question, and what the other reward remembers."""
        seen = {name: dict(vars(history)) for name, history in self._seen.items()}
        inner = inner_state(self.inner)
        return {"seen": seen, "inner": inner} if seen or inner else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        self._seen = {
            str(name): _History(**{**values, "ratios": list(values["ratios"])})
            for name, values in state.get("seen", {}).items()
        }
        load_inner_state(self.inner, state.get("inner", {}))

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        verdict = self.inner(ballot)
        if len(ballot.counts) == 0:
            return verdict
        winner = int(ballot.counts.argmax())
        history = self._observe(ballot, winner)
        if self._skips(ballot, history):
            return replace(verdict, abstains=True)
        weight = self._weight(ballot, history) if self.scale else 1.0
        given = np.ones(ballot.size) if verdict.weights is None else verdict.weights
        weights = given * weight
        bonuses = self._bonuses(ballot, winner) if history.flipped else np.zeros(ballot.size)
        if not bonuses.any():
            return verdict if weight == 1 else replace(verdict, weights=weights)
        own = verdict.advantages
        advantages = (group_advantages(verdict.rewards) if own is None else own) * weights
        size = exact_mean(np.abs(advantages))
        # The weights are in the advantages now, and the bonus is not weighed.
        return replace(verdict, advantages=advantages + bonuses * size, weights=None)

    def _observe(self, ballot: Ballot, winner: int) -> _History:
        """Notes a visit; the same visit seen again is not a new one."""
        elected = ballot.representatives[winner]
        history = self._seen.get(ballot.question_id)
        if history is None:
            history = self._seen[ballot.question_id] = _History(ballot.position, elected)
        elif history.position == ballot.position:
            return history
        history.flipped = ballot.class_of(history.answer) != winner
        history.position, history.answer = ballot.position, elected
        history.visits += 1
        history.flips += history.flipped
        history.ratios = [*history.ratios, ballot.majority_ratio][-self.window :]
        history.doubted = (
            history.flips == 0
            and history.visits >= self.window
            and exact_mean(history.ratios) > self.firm
            and history.doubts < self.window
        )
        history.doubts += history.doubted
        return history

    def _weight(self, ballot: Ballot, history: _History) -> float:
        weight = 1.0
        if history.flipped:
            weight -= self.flip_weight
            if ballot.majority_ratio > self.firm:
                weight *= 1 - self.doubt
        if history.doubted:
            weight *= 1 - self.doubt / 2
        return max(_LEAST_WEIGHT, weight)

    def _skips(self, ballot: Ballot, history: _History) -> bool:
        if history.flips == 0 or history.visits < self.window:
            return False
        if exact_mean(history.ratios) <= self.risky:
            return False
        coins = np.random.default_rng(np.random.SeedSequence([self.seed, ballot.position]))
        return bool(coins.random() < self.skip)

    def _bonuses(self, ballot: Ballot, winner: int) -> npt.NDArray[np.float64]:
        """The share of the bonus of each completion, before the size of the advantages."""
        enough = ballot.counts >= max(1, ballot.size // 4)
        enough[winner] = False
        total = int(ballot.counts[enough].sum())
        if total == 0:
            return np.zeros(ballot.size)
        return ballot.spread(np.where(enough, self.bonus * ballot.counts / total, 0.0))
