"""The two halves of a group that is asked in two wordings.

- `halves_of`: which completions answer which wording.
- `counts_within`, `elect_within`: the votes of some members, and their winner.
- `half_advantages`: advantages relative to the half, as each half has a prompt of its own.

The option `rephrase` of the environments makes such groups.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.errors import RewardError
from ttrl_env.consensus.rewards.common import Floats, elect, group_advantages

__all__ = ["Half", "counts_within", "elect_within", "half_advantages", "halves_of"]

Half = npt.NDArray[np.bool_]


def halves_of(ballot: Ballot, estimator: object) -> tuple[Half, Half]:
    """Returns which completions answer the publisher's wording, and which the other.

    Args:
        ballot: The group.
        estimator: The reward that asks, for the message.

    Raises:
        RewardError: The group was asked in one wording alone.
    """
    halves = ballot.variants == 0, ballot.variants == 1
    if not (halves[0].any() and halves[1].any()):
        raise RewardError(
            f"{estimator!r} needs two wordings of each question, and question "
            f"{ballot.question_id!r} came in one; give the environment a paraphrase, e.g. "
            "gym.make_vec('TTRL-Arithmetic-v0', ..., rephrase='arithmetic') or "
            "rephrase='paraphrases.json'"
        )
    return halves


def counts_within(ballot: Ballot, members: Half) -> npt.NDArray[np.int64]:
    """Returns the votes for each class among some members."""
    voted = ballot.classes[members & ballot.answered]
    return np.bincount(voted, minlength=len(ballot.counts))


def elect_within(ballot: Ballot, members: Half) -> int | None:
    """Returns the most frequent class among some members, or `None` where they have no answer."""
    counts = counts_within(ballot, members)
    winner = elect(counts)
    return None if winner is None or counts[winner] == 0 else winner


def half_advantages(rewards: Floats, halves: tuple[Half, Half], scale_by_std: bool) -> Floats:
    """Returns the group-relative advantages, each half taken for a group."""
    advantages = np.zeros_like(rewards)
    for half in halves:
        advantages[half] = group_advantages(rewards[half], scale_by_std=scale_by_std)
    return advantages
