"""Two wordings of one question: what holds under both is likelier right.

- `CoRewarding`: each half is judged by the other half's majority.
- `SelfHarmony`: one pseudo-label, the answer that is frequent under both.

Both need groups whose second half answers a rephrased prompt: the option `rephrase` of the
environments. Their advantages are relative to the half, as each half is a prompt of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ttrl_env.consensus.ballot import Ballot, Verdict
from ttrl_env.consensus.errors import RewardError
from ttrl_env.consensus.rewards.common import check_flag, elect, group_advantages

__all__ = ["CoRewarding", "SelfHarmony"]


@dataclass(frozen=True)
class CoRewarding:
    """Rewards agreement with the majority of the other wording: r_i = 1[a_i = y*(other half)].

    Where both halves elect the same answer, it is the pseudo-label; else there is none, and each
    half still learns from the other. Of several answers with the most votes, the one that appeared
    first wins. A half whose counterpart has no answers is paid nothing; a group without any answer
    abstains.

    Source: Co-rewarding-I, arXiv 2508.00410; checked in the authors' code. Its second variant, a
    slowly moving teacher, is another matter.

    When not to use it: with paraphrases that change the question, and where a group is too small
    to be halved: each majority is of half the votes.

    Args:
        scale_by_std: Whether advantages are divided by the standard deviation of the half.
    """

    needs_two_prompts: ClassVar[bool] = True
    order_matters: ClassVar[str] = "in ties"

    scale_by_std: bool = True

    def __post_init__(self) -> None:
        check_flag("scale_by_std", self.scale_by_std)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        halves = _halves(ballot, self)
        labels = [_elect_within(ballot, half) for half in halves]
        rewards = np.zeros(ballot.size)
        for half, label in zip(halves, reversed(labels), strict=True):
            rewards[half] = ballot.agreement(label)[half]
        return Verdict(
            rewards,
            pseudo_label=labels[0] if labels[0] == labels[1] else None,
            abstains=not ballot.answered.any(),
            advantages=_half_advantages(rewards, halves, self.scale_by_std),
        )


@dataclass(frozen=True)
class SelfHarmony:
    """Rewards agreement with the answer that both wordings lead to.

    y* = argmax_a 2 p p' / (p + p'), the harmonic mean of the answer's shares p and p' of the two
    halves; r_i = 1[a_i = y*] for both. An answer that one half never gives scores 0. Of equal
    scores, the answer that appeared first wins; where all are 0, the group abstains.

    Source: Self-Harmony, arXiv 2511.01191; known to us from its abstract and a summary. There the
    model rephrases the question itself and is paid for that too; here the paraphrase is given.

    When not to use it: as for Co-rewarding; and with hard questions, many groups abstain.

    Args:
        scale_by_std: Whether advantages are divided by the standard deviation of the half.
    """

    needs_two_prompts: ClassVar[bool] = True
    order_matters: ClassVar[str] = "in ties"

    scale_by_std: bool = True

    def __post_init__(self) -> None:
        check_flag("scale_by_std", self.scale_by_std)

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        halves = _halves(ballot, self)
        kinds = len(ballot.counts)
        counts = [_counts(ballot, half) for half in halves]
        one, other = (count / int(half.sum()) for count, half in zip(counts, halves, strict=True))
        scores = np.divide(
            2 * one * other, one + other, out=np.zeros(kinds), where=(one > 0) & (other > 0)
        )
        winner = elect(scores)
        if winner is None or scores[winner] == 0:
            return Verdict(np.zeros(ballot.size), pseudo_label=None, abstains=True)
        rewards = ballot.agreement(winner)
        advantages = _half_advantages(rewards, halves, self.scale_by_std)
        return Verdict(rewards, pseudo_label=winner, advantages=advantages)


Half = npt.NDArray[np.bool_]


def _elect_within(ballot: Ballot, members: Half) -> int | None:
    """Returns the most frequent class among some members, or `None` where they have no answer."""
    counts = _counts(ballot, members)
    winner = elect(counts)
    return None if winner is None or counts[winner] == 0 else winner


def _counts(ballot: Ballot, members: Half) -> npt.NDArray[np.int64]:
    voted = ballot.classes[members & ballot.answered]
    return np.bincount(voted, minlength=len(ballot.counts))


def _halves(ballot: Ballot, estimator: object) -> tuple[Half, Half]:
    halves = ballot.variants == 0, ballot.variants == 1
    if not (halves[0].any() and halves[1].any()):
        raise RewardError(
            f"{estimator!r} needs two wordings of each question, and question "
            f"{ballot.question_id!r} came in one; give the environment a paraphrase, e.g. "
            "gym.make_vec('TTRL-Arithmetic-v0', ..., rephrase='arithmetic') or "
            "rephrase='paraphrases.json'"
        )
    return halves


def _half_advantages(
    rewards: npt.NDArray[np.float64], halves: tuple[Half, Half], scale_by_std: bool
) -> npt.NDArray[np.float64]:
    advantages = np.zeros_like(rewards)
    for half in halves:
        advantages[half] = group_advantages(rewards[half], scale_by_std=scale_by_std)
    return advantages
