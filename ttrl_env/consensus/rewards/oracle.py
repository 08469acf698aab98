"""The oracle, a control: rewards by the true labels, the paper's upper bound.

- `Oracle`: the reward.
"""

from __future__ import annotations

from typing import ClassVar

from ttrl_benchmarks import Benchmark
from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.verdict import Verdict

__all__ = ["Oracle"]


@reward(
    "oracle",
    summary="agreement with the TRUE labels (control: the upper bound)",
    paper="2504.16084",
    kind="control",
)
class Oracle:
    """Rewards agreement with the true label: the leakage upper bound of TTRL's section 4.

    r_i = 1[a_i = label]. Of the rewards here only this and `label_budget` see labels. A group
    without any answer abstains, and so does one whose question has no label.

    Source: TTRL, arXiv 2504.16084, figure 8.

    When not to use it: for anything but a comparison; it is supervised learning.

    Args:
        benchmark: The benchmark whose labels it reads.
    """

    needs_labels: ClassVar[bool] = True

    def __init__(self, benchmark: Benchmark) -> None:
        self._labels = benchmark.labels

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        label = self._labels.reveal(ballot.question_id)
        if label is None or not ballot.answered.any():
            return Verdict.abstaining(ballot)
        right = ballot.class_of(label)
        return Verdict(ballot.agreement(right), pseudo_label=right)

    def __repr__(self) -> str:
        return f"Oracle({self._labels!r})"
