"""Held votes: pseudo-labels that stay while the model moves.

- `HeldVote`: a wrapper around any reward that names a pseudo-label.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_number
from ttrl_env.consensus.rewards.inner import Around, check_inner, inner_state, load_inner_state
from ttrl_env.consensus.rewards.majority import Majority
from ttrl_env.consensus.verdict import Estimator, Verdict

__all__ = ["HeldVote"]


@reward(
    "held",
    summary="another reward's pseudo-label (inner=), held for some visits",
    kind="around another",
)
@dataclass
class HeldVote(Around):
    """Keeps the pseudo-label of an earlier vote and renews it every so many visits.

    At the first visit of a question and at every `every`-th after it, the other reward votes. In
    between, r_i = 1[a_i = held answer], whatever the votes are now; where nobody gives the held
    answer, all rewards are 0. A vote without a pseudo-label is not held: the next visit votes
    again.

    Source: frozen labels are what SRT (arXiv 2505.21444) found to postpone collapse, known to us
    second-hand; renewing them is our generalisation. `every=1` is the other reward itself, and a
    number beyond the run's epochs is labels frozen once.

    When not to use it: with large question sets seen once; it changes nothing there. A wrong label
    is held as firmly as a right one.

    Args:
        inner: The reward that votes.
        every: Visits of a question from one vote to the next.
    """

    remembers: ClassVar[bool] = True

    inner: Estimator = field(default_factory=Majority)
    every: int = 4
    # question id -> the held answer, visits since its vote, and the last visit's position
    _held: dict[str, tuple[str, int, int]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        check_inner(self.inner)
        check_number("every", self.every, 1, whole=True)

    def state_dict(self) -> dict[str, Any]:
        """Returns the held answers, and what the other reward remembers."""
        held = {name: list(entry) for name, entry in self._held.items()}
        inner = inner_state(self.inner)
        return {"held": held, "inner": inner} if held or inner else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        self._held = {
            str(name): (str(answer), int(visits), int(position))
            for name, (answer, visits, position) in state.get("held", {}).items()
        }
        load_inner_state(self.inner, state.get("inner", {}))

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        name = ballot.question_id
        if name in self._held:
            answer, visits, last = self._held[name]
            visits += ballot.position != last  # the same visit seen again is not a new one
            if 0 < visits < self.every:
                self._held[name] = answer, visits, ballot.position
                label = ballot.class_of(answer)
                return Verdict(ballot.agreement(label), pseudo_label=label)
        verdict = self.inner(ballot)
        elected = ballot.answer_of(verdict.pseudo_label)
        if elected is None or verdict.abstains:
            self._held.pop(name, None)
        else:
            self._held[name] = elected, 0, ballot.position
        return verdict
