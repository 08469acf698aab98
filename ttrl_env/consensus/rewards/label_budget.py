"""A budget of true labels: a few divided questions are answered by a person, the rest by the vote.

- `LabelBudget`: a wrapper around any reward.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ttrl_benchmarks import Benchmark
from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_number
from ttrl_env.consensus.rewards.inner import Around, check_inner, inner_state, load_inner_state
from ttrl_env.consensus.rewards.majority import Majority
from ttrl_env.consensus.rewards.oracle import Oracle
from ttrl_env.consensus.verdict import Estimator, Verdict

__all__ = ["LabelBudget"]


@reward(
    "label_budget",
    summary="TRUE labels of a few divided questions, another reward (inner=) for the rest",
    paper="2605.25864",
    kind="around another",
)
class LabelBudget(Around):
    """Buys the true labels of at most so many questions, and leaves the rest to another reward.

    A question is bought at the first visit at which its majority ratio is `below` or less, as long
    as the budget lasts; from then on r_i = 1[a_i = label]. Questions without a label are not
    bought, and a group without any answer costs nothing. Each environment has a budget of its own.

    Source: the idea of RLAVR, arXiv 2605.25864, known to us by its abstract and its authors' code:
    true labels for few questions, pseudo-labels for the others. Its choice of questions by a
    trained probe (CARE) is not part of this; that votes which are divided are bought first is ours.

    When not to use it: where nobody can give a label, and beside label-free results without saying
    so. It reads as many labels as `labels` says.

    Args:
        benchmark: The benchmark whose labels it reads.
        inner: The reward for the questions that are not bought.
        labels: How many labels it may read.
        below: The majority ratio up to which a question is bought.
    """

    needs_labels: ClassVar[bool] = True
    remembers: ClassVar[bool] = True

    def __init__(
        self,
        benchmark: Benchmark,
        inner: Estimator | None = None,
        labels: int = 10,
        below: float = 0.5,
    ) -> None:
        self.inner = Majority() if inner is None else inner
        check_inner(self.inner)
        check_number("labels", labels, 0, whole=True)
        check_number("below", below, 0, 1)
        self.labels = labels
        self.below = below
        self._oracle = Oracle(benchmark)
        self._bought: list[str] = []

    def state_dict(self) -> dict[str, Any]:
        """Returns which questions were bought, and what the other reward remembers."""
        inner = inner_state(self.inner)
        return {"bought": list(self._bought), "inner": inner} if self._bought or inner else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        self._bought = [str(name) for name in state.get("bought", [])]
        load_inner_state(self.inner, state.get("inner", {}))

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        verdict = self.inner(ballot)  # in any case, for what it remembers
        name = ballot.question_id
        if name not in self._bought and not self._buys(ballot):
            return verdict
        right = self._oracle(ballot)
        if right.abstains:  # no answer, or no label
            return verdict
        if name not in self._bought:
            self._bought.append(name)
        return right

    def _buys(self, ballot: Ballot) -> bool:
        return len(self._bought) < self.labels and ballot.majority_ratio <= self.below

    def __repr__(self) -> str:
        return f"LabelBudget(inner={self.inner!r}, labels={self.labels}, below={self.below})"
