"""The comparison of two evaluations, question by question.

- `compare`: pairs the questions that both contain.
- `Comparison`: the pairs: what differs, with what certainty, and where most.
- `Difference`: of one score: its interval, its p-value, wins and losses.
- `check_comparable`: raises an error if they measure different things.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.evaluation import Evaluation
from ttrl_agents.evaluate.results import QuestionResult
from ttrl_agents.evaluate.statistics import Interval, bootstrap_intervals, sign_flip_p_value

__all__ = ["Comparison", "Difference", "check_comparable", "compare"]

_MUST_AGREE = ("k", "temperature", "top_p", "max_tokens", "stop_at_box")


@dataclass(frozen=True)
class Difference:
    """How one score of B differs from that of A, over the same questions.

    Attributes:
        a: The score of A.
        b: The score of B.
        interval: Of b - a: the mean with its paired 95 % bootstrap interval.
        p_value: Of the exact paired permutation test, two-sided.
        wins: Questions on which B scores higher.
        ties: Questions on which both score the same.
        losses: Questions on which A scores higher.
        deviation: The standard deviation over questions of b - a.
    """

    a: float
    b: float
    interval: Interval
    p_value: float
    wins: int
    ties: int
    losses: int
    deviation: float


@dataclass(frozen=True)
class Comparison:
    """Two evaluations of the same graded questions, in the same order.

    Attributes:
        a: One.
        b: The other; differences are b - a.
    """

    a: Evaluation
    b: Evaluation

    @cached_property
    def differences(self) -> dict[str, Difference]:
        """Of `mean@k` and of `maj@k`."""
        # Whole numbers on a common scale, where equal means equal and the test can be exact.
        scale = math.lcm(self.a.k, self.b.k)
        right_a, right_b = (
            each.correct.sum(axis=1) * (scale // each.k) for each in (self.a, self.b)
        )
        majority_a, majority_b = (
            each.majority_correct.astype(np.int64) for each in (self.a, self.b)
        )
        return {
            self.name("mean"): _difference(right_a, right_b, scale),
            self.name("maj"): _difference(majority_a, majority_b, 1),
        }

    def name(self, score: str) -> str:
        """Returns `mean@16`, or `mean@16/8` if their k differ."""
        return f"{score}@{self.a.k}" + ("" if self.a.k == self.b.k else f"/{self.b.k}")

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels of the questions."""
        return self.a.levels

    def of_level(self, level: int) -> Comparison:
        """Returns the comparison of the questions of a level."""
        return Comparison(self.a.of_level(level), self.b.of_level(level))

    def most_changed(self, count: int) -> list[tuple[str, float, float]]:
        """Returns the questions that changed most: id, mean@k of A, mean@k of B."""
        means_a, means_b = self.a.correct.mean(axis=1), self.b.correct.mean(axis=1)
        order = np.argsort(-np.abs(means_b - means_a), kind="stable")[:count]
        return [
            (self.a.results[i].question_id, float(means_a[i]), float(means_b[i]))
            for i in order.tolist()
            if means_a[i] != means_b[i]
        ]


def compare(a: Evaluation, b: Evaluation) -> Comparison:
    """Pairs the graded questions that both evaluations contain.

    Raises:
        AgentError: They share no question, no shared question has a label, or a question was worded
            differently or graded by another label.
    """
    others = {result.question_id: result for result in b.results}
    pairs = [(one, others[one.question_id]) for one in a.results if one.question_id in others]
    if not pairs:
        raise AgentError("The two evaluations share no question.")
    for one, other in pairs:
        if one.prompt != other.prompt:
            raise AgentError(
                f"Question {one.question_id!r} was put in other words: its prompts differ."
            )
        if (answer := _disputed(one, other)) is not None:
            raise AgentError(
                f"Question {one.question_id!r} was graded by two labels: the answer {answer!r} is "
                "right in the one evaluation and wrong in the other. Evaluate one again."
            )
    graded = [
        (one, other)
        for one, other in pairs
        if one.correct is not None and other.correct is not None
    ]
    if not graded:
        raise AgentError(
            f"None of the {len(pairs)} questions that the two evaluations share has a label, so "
            "nothing says which is right more often."
        )
    return Comparison(*(Evaluation(tuple(side)) for side in zip(*graded, strict=True)))


def check_comparable(a: dict[str, Any], b: dict[str, Any], *, force: bool = False) -> list[str]:
    """Checks that two evaluations measured the same thing.

    Args:
        a: The configuration of one.
        b: The configuration of the other.
        force: Whether to allow a different k and different sampling.

    Returns:
        The differences that were allowed, in words.

    Raises:
        AgentError: Benchmarks differ, or something else does and is not allowed to.
    """
    if a["benchmark"] != b["benchmark"]:
        raise AgentError(
            f"One evaluation is of {a['benchmark']!r}, the other of {b['benchmark']!r}; only "
            "evaluations of the same benchmark can be compared."
        )
    differing = [
        f"{name} is {a.get(name)} in the one and {b.get(name)} in the other"
        for name in _MUST_AGREE
        if a.get(name) != b.get(name)
    ]
    if differing and not force:
        raise AgentError(
            f"The two were not measured alike: {'; '.join(differing)}. A difference would not be "
            "one of the models alone. Evaluate one again, or compare all the same with --force."
        )
    return differing


def _disputed(one: QuestionResult, other: QuestionResult) -> str | None:
    """An answer that is right in one and wrong in the other, so that their labels differ."""
    if one.correct is None or other.correct is None:
        return None
    verdicts = dict(zip(one.answers, one.correct, strict=True))
    for answer, correct in zip(other.answers, other.correct, strict=True):
        if verdicts.get(answer, correct) != correct:
            return answer
    return None


def _difference(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64], scale: int) -> Difference:
    change = b - a
    (interval,) = bootstrap_intervals(change[:, None] / scale)
    return Difference(
        a=float(a.mean() / scale),
        b=float(b.mean() / scale),
        interval=interval,
        p_value=sign_flip_p_value(change.tolist()),
        wins=int((change > 0).sum()),
        ties=int((change == 0).sum()),
        losses=int((change < 0).sum()),
        deviation=float(change.std(ddof=1) / scale) if len(change) > 1 else math.nan,
    )
