"""The votes of one group.

- `Ballot`: one group's answers by class, with what is known of each completion.
- `hold_vote`: extracts, canonicalises and counts the answers of a group.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ttrl_benchmarks import Benchmark, Question
from ttrl_benchmarks.base import AnswerFormat
from ttrl_env.answers import Extraction, answer_key, group_answers
from ttrl_env.completion import Completion

__all__ = ["Ballot", "TokenValues", "hold_vote"]

TokenValues = tuple[npt.NDArray[np.float32] | None, ...]
"""One value a token, for each completion of a group; `None` where the sampler did not say."""


@dataclass(frozen=True)
class Ballot:
    """The votes of one group. It holds no label.

    Attributes:
        question: The question voted on.
        position: The place of the group in the order of questions; names the visit.
        answer_format: How the answers are written and compared.
        texts: The completions.
        extractions: What was found in each completion, where, and by which rule.
        classes: The answer class of each completion, numbered in order of first appearance,
            shape (n,), int64; -1 where it has no answer.
        counts: Votes for each class, shape (number of classes,), int64.
        keys: The canonical key of each class.
        representatives: How each class was first written.
        confidences: The geometric mean probability of each completion's tokens, shape (n,),
            float64 in (0, 1]; NaN where the sampler did not say.
        lengths: The length of each completion in tokens, or in characters where the sampler did
            not say, shape (n,), int64.
        finished: Whether each completion ended by itself, shape (n,), bool.
        variants: Which wording of the question each completion answers: 0 the publisher's, 1 the
            rephrased one; shape (n,), int64.
        token_log_probs: The log-probabilities of each completion's tokens.
        token_entropies: The entropies of the distributions they were drawn from.
        token_self_certainties: How far those are from uniform; see `Completion`.
    """

    question: Question
    position: int
    answer_format: AnswerFormat
    texts: tuple[str, ...]
    extractions: tuple[Extraction, ...]
    classes: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    keys: tuple[Hashable, ...]
    representatives: tuple[str, ...]
    confidences: npt.NDArray[np.float64]
    lengths: npt.NDArray[np.int64]
    finished: npt.NDArray[np.bool_]
    variants: npt.NDArray[np.int64]
    token_log_probs: TokenValues
    token_entropies: TokenValues
    token_self_certainties: TokenValues

    @property
    def answers(self) -> tuple[str | None, ...]:
        """The answer of each completion as it was written, or `None` where it has none."""
        return tuple(each.answer for each in self.extractions)

    @property
    def question_id(self) -> str:
        """The id of the question voted on."""
        return self.question.id

    @property
    def size(self) -> int:
        """The number of completions, those without an answer included."""
        return len(self.classes)

    @property
    def answered(self) -> npt.NDArray[np.bool_]:
        """Whether each completion has an answer, shape (n,), bool."""
        return self.classes >= 0

    @property
    def majority_ratio(self) -> float:
        """The winner's votes over the size of the group; 0 where there is no answer at all."""
        return float(self.counts.max() / self.size) if len(self.counts) else 0.0

    @property
    def lead(self) -> int:
        """The winner's votes less the runner-up's; 0 where there is no answer at all."""
        votes = sorted((*self.counts.tolist(), 0, 0))
        return int(votes[-1] - votes[-2])

    def most_frequent(self) -> list[int]:
        """Returns the classes with the most votes, several in a tie, by first appearance.

        The list is empty where there is no answer at all.
        """
        return np.flatnonzero(self.counts == self.counts.max(initial=0)).tolist()

    def class_of(self, answer: str) -> int | None:
        """Returns the class of an answer, or `None` where no completion gives it."""
        key = answer_key(answer, self.answer_format)
        return self.keys.index(key) if key in self.keys else None

    def answer_of(self, answer_class: int | None) -> str | None:
        """Returns a class as it was first written, or `None` for no class."""
        return None if answer_class is None else self.representatives[answer_class]

    def agreement(self, answer_class: int | None) -> npt.NDArray[np.float64]:
        """Returns 1 for each completion whose answer is of this class, else 0, shape (n,)."""
        if answer_class is None:
            return np.zeros(self.size)
        return np.asarray(self.classes == answer_class, dtype=np.float64)

    def spread(self, by_class: npt.ArrayLike, absent: float = 0.0) -> npt.NDArray[np.float64]:
        """Returns the value of each completion's class, shape (n,).

        Args:
            by_class: One value for each answer class.
            absent: The value of a completion without an answer.
        """
        values = np.append(np.asarray(by_class, dtype=np.float64), absent)
        return values[self.classes]  # the class -1 is the last value


def hold_vote(
    completions: Sequence[str],
    question: Question,
    benchmark: Benchmark,
    position: int = 0,
    variants: npt.ArrayLike | None = None,
) -> Ballot:
    r"""Extracts, canonicalises and counts the answers of one group.

    Args:
        completions: The completions of the question; `Completion`s bring lengths in tokens and
            what is known of each token.
        question: The question.
        benchmark: The benchmark it belongs to, which knows how answers are written.
        position: The place of the group in the order of questions.
        variants: Which wording each completion answers, 0 or 1; by default 0.

    Raises:
        ValueError: There are no completions, or not as many variants.

    >>> from ttrl_benchmarks.arithmetic import load
    >>> benchmark = load(size=5)
    >>> texts = [r"\boxed{7}", r"\boxed{07}", r"\boxed{8}", "No idea at all."]
    >>> ballot = hold_vote(texts, benchmark.questions[0], benchmark)
    >>> ballot.classes, ballot.counts, ballot.majority_ratio
    (array([ 0,  0,  1, -1]), array([2, 1]), 0.5)
    """
    if len(completions) == 0:
        raise ValueError("a vote needs at least one completion")
    shown = np.zeros(len(completions)) if variants is None else np.asarray(variants)
    if shown.shape != (len(completions),):
        raise ValueError(f"{len(completions)} completions but variants of shape {shown.shape}")
    groups = group_answers(completions, benchmark.answer_format, question.options)
    return Ballot(
        question=question,
        position=position,
        answer_format=benchmark.answer_format,
        texts=tuple(completions),
        extractions=groups.extractions,
        classes=groups.classes,
        counts=np.bincount(groups.classes[groups.classes >= 0], minlength=len(groups.keys)),
        keys=groups.keys,
        representatives=groups.representatives,
        confidences=np.array([_confidence(each) for each in completions]),
        lengths=np.array([_length(each) for each in completions], dtype=np.int64),
        finished=np.array([getattr(each, "finished", True) for each in completions]),
        variants=shown.astype(np.int64),
        token_log_probs=tuple(getattr(each, "log_probs", None) for each in completions),
        token_entropies=tuple(getattr(each, "entropies", None) for each in completions),
        token_self_certainties=tuple(
            getattr(each, "self_certainties", None) for each in completions
        ),
    )


def _confidence(completion: str) -> float:
    if not isinstance(completion, Completion) or completion.log_probs is None:
        return float("nan")
    return float(np.exp(np.mean(completion.log_probs))) if completion.log_probs.size else 1.0


def _length(completion: str) -> int:
    if isinstance(completion, Completion) and completion.token_ids is not None:
        return len(completion.token_ids)
    return len(completion)
