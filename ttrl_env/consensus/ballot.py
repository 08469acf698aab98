"""The votes of one group, and what an estimator makes of them.

- `Ballot`: one group's answers by class, with what is known of each completion.
- `Verdict`: rewards, pseudo-label, abstention.
- `Estimator`: the type of a reward.
- `hold_vote`: extracts, canonicalises and counts the answers of a group.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ttrl_benchmarks import Benchmark, Question
from ttrl_env.answers import group_answers
from ttrl_env.completion import Completion

__all__ = ["Ballot", "Estimator", "Verdict", "hold_vote"]


@dataclass(frozen=True)
class Ballot:
    """The votes of one group. It holds no label.

    Attributes:
        question_id: The question voted on.
        position: The place of the group in the order of questions; names the visit.
        answers: The answer of each completion as it was written, or `None` where it has none.
        classes: The answer class of each completion, numbered in order of first appearance,
            shape (n,), int64; -1 where it has no answer.
        counts: Votes for each class, shape (number of classes,), int64.
        keys: The canonical key of each class.
        representatives: The first spelling of each class.
        confidences: The geometric mean probability of each completion's tokens, shape (n,),
            float64 in (0, 1]; NaN where the sampler did not say.
        lengths: The length of each completion in tokens, or in characters where the sampler did
            not say, shape (n,), int64.
        finished: Whether each completion ended by itself, shape (n,), bool.
    """

    question_id: str
    position: int
    answers: tuple[str | None, ...]
    classes: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    keys: tuple[Hashable, ...]
    representatives: tuple[str, ...]
    confidences: npt.NDArray[np.float64]
    lengths: npt.NDArray[np.int64]
    finished: npt.NDArray[np.bool_]

    @property
    def size(self) -> int:
        """The number of completions, those without an answer included."""
        return len(self.classes)

    @property
    def majority_ratio(self) -> float:
        """The winner's votes over the size of the group; 0 where there is no answer at all."""
        return float(self.counts.max() / self.size) if len(self.counts) else 0.0

    def answer_of(self, answer_class: int | None) -> str | None:
        """Returns the first spelling of a class, or `None` for no class."""
        return None if answer_class is None else self.representatives[answer_class]


@dataclass(frozen=True)
class Verdict:
    """What an estimator makes of a ballot.

    Attributes:
        rewards: The reward of each completion, shape (n,), float64, never NaN.
        pseudo_label: The class that was taken for true, or `None`.
        abstains: Whether the group should teach nothing.
    """

    rewards: npt.NDArray[np.float64]
    pseudo_label: int | None
    abstains: bool = False


class Estimator(Protocol):
    """A reward: from the votes of a group to the reward of each."""

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards the completions of one group."""
        ...


def hold_vote(
    completions: Sequence[str], question: Question, benchmark: Benchmark, position: int = 0
) -> Ballot:
    r"""Extracts, canonicalises and counts the answers of one group.

    Args:
        completions: The completions of the question; `Completion`s bring lengths in tokens and
            confidences.
        question: The question.
        benchmark: The benchmark it belongs to, which knows how answers are written.
        position: The place of the group in the order of questions.

    Raises:
        ValueError: There are no completions.

    >>> from ttrl_benchmarks.arithmetic import load
    >>> benchmark = load(size=5)
    >>> texts = [r"\boxed{7}", r"\boxed{07}", r"\boxed{8}", "No idea at all."]
    >>> ballot = hold_vote(texts, benchmark.questions[0], benchmark)
    >>> ballot.classes, ballot.counts, ballot.majority_ratio
    (array([ 0,  0,  1, -1]), array([2, 1]), 0.5)
    """
    if len(completions) == 0:
        raise ValueError("a vote needs at least one completion")
    groups = group_answers(completions, benchmark.answer_format, question.options)
    return Ballot(
        question_id=question.id,
        position=position,
        answers=groups.answers,
        classes=groups.classes,
        counts=np.bincount(groups.classes[groups.classes >= 0], minlength=len(groups.keys)),
        keys=groups.keys,
        representatives=groups.representatives,
        confidences=np.array([_confidence(each) for each in completions]),
        lengths=np.array([_length(each) for each in completions], dtype=np.int64),
        finished=np.array([getattr(each, "finished", True) for each in completions]),
    )


def _confidence(completion: str) -> float:
    if not isinstance(completion, Completion) or completion.log_probs is None:
        return float("nan")
    return float(np.exp(np.mean(completion.log_probs))) if completion.log_probs.size else 1.0


def _length(completion: str) -> int:
    if isinstance(completion, Completion) and completion.token_ids is not None:
        return len(completion.token_ids)
    return len(completion)
