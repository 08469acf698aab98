"""The verdict of an estimator on the votes of one group.

- `Verdict`: rewards, pseudo-label, abstention, and advantages or weights where a reward has them.
- `Estimator`: the type of a reward.
- `judge`: from the completions of a group to its ballot and its verdict.
- `check_verdict`: raises for a verdict that would silently spoil what is learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ttrl_benchmarks import Benchmark, Question
from ttrl_env.consensus.ballot import Ballot, hold_vote

__all__ = ["Estimator", "Verdict", "check_verdict", "judge"]


@dataclass(frozen=True)
class Verdict:
    """What an estimator makes of a ballot.

    Attributes:
        rewards: The reward of each completion, shape (n,), float64, never NaN.
        pseudo_label: The class that was taken for true, or `None`.
        abstains: Whether nothing is to be learned from the group.
        advantages: What replaces the learner's own group-relative advantages, shape (n,),
            float64; `None` leaves them to the learner.
        weights: What the advantage of each completion is multiplied by, shape (n,), float64, 0 or
            more; `None` is 1 everywhere.
    """

    rewards: npt.NDArray[np.float64]
    pseudo_label: int | None
    abstains: bool = False
    advantages: npt.NDArray[np.float64] | None = None
    weights: npt.NDArray[np.float64] | None = None

    @classmethod
    def abstaining(cls, ballot: Ballot, reward: float = 0.0) -> Verdict:
        """Returns the verdict that nothing is to be learned from a group.

        Args:
            ballot: The group.
            reward: The reward of each completion, which is only reported.
        """
        return cls(np.full(ballot.size, reward), pseudo_label=None, abstains=True)


class Estimator(Protocol):
    """A reward: from the votes of a group to the reward of each completion.

    A function will do. What an estimator may have besides:

    - `needs_token_statistics`, `needs_two_prompts`: what it needs beyond votes; see
      `ttrl_env.consensus.cards.NEEDS`;
    - `own_advantages`, `own_weights`: whether its verdicts may have them;
    - `state_dict()` and `load_state_dict(state)`, with a state of JSON values: what it remembers
      between visits, which checkpoints keep; `remembers`, if that depends on its options.
    """

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards the completions of one group."""
        ...


def judge(
    estimator: Estimator,
    completions: Sequence[str],
    question: Question,
    benchmark: Benchmark,
    position: int = 0,
    variants: npt.ArrayLike | None = None,
) -> tuple[Ballot, Verdict]:
    r"""Holds the vote of one group, and checks what the estimator makes of it.

    Args:
        estimator: The reward.
        completions: The completions of the question.
        question: The question.
        benchmark: The benchmark it belongs to.
        position: The place of the group in the order of questions.
        variants: Which wording each completion answers, 0 or 1; by default 0.

    Returns:
        The ballot and the verdict.

    Raises:
        TypeError: The estimator returns something else than a verdict.
        ValueError: There are no completions, or the verdict is not one of this group.

    >>> from ttrl_benchmarks.arithmetic import load
    >>> from ttrl_env.consensus import Majority
    >>> benchmark = load(size=5)
    >>> texts = [r"\boxed{7}", r"\boxed{07}", r"\boxed{8}"]
    >>> ballot, verdict = judge(Majority(), texts, benchmark.questions[0], benchmark)
    >>> verdict.rewards, ballot.answer_of(verdict.pseudo_label)
    (array([1., 1., 0.]), '7')
    """
    ballot = hold_vote(completions, question, benchmark, position, variants)
    return ballot, check_verdict(estimator(ballot), ballot, estimator)


def check_verdict(verdict: Verdict, ballot: Ballot, estimator: object) -> Verdict:
    """Returns the verdict as it is.

    Args:
        verdict: What an estimator said of a group.
        ballot: The group.
        estimator: Whose verdict it is, for the message.

    Raises:
        TypeError: It is not a verdict.
        ValueError: Rewards, advantages or weights are not one finite number a completion, a weight
            is negative, or the pseudo-label is not an answer class of the ballot.
    """
    if not isinstance(verdict, Verdict):
        raise TypeError(
            f"{estimator!r} must return a Verdict(rewards, pseudo_label), not a "
            f"{type(verdict).__name__}"
        )
    size, label, kinds = ballot.size, verdict.pseudo_label, len(ballot.counts)
    if label is not None and not (isinstance(label, int | np.integer) and 0 <= label < kinds):
        raise ValueError(
            f"{estimator!r} must name as pseudo_label one of the ballot's {kinds} answer classes, "
            f"numbered from 0, or None, not {label!r}"
        )
    for name in ("rewards", "advantages", "weights"):
        values = getattr(verdict, name)
        if values is None and name != "rewards":
            continue
        given = np.asarray(values)
        if (
            given.shape != (size,)
            or given.dtype.kind not in "fiub"
            or not np.isfinite(given).all()
            or (name == "weights" and (given < 0).any())
        ):
            what = f"{name} of 0 or more" if name == "weights" else name
            raise ValueError(
                f"{estimator!r} must give {size} finite {what} for a group of {size}, not an array "
                f"of shape {given.shape}: {np.array2string(given, threshold=20)}"
            )
    return verdict
