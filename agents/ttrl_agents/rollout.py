"""One batch of experience: prompts, completions and their rewards.

- `Rollout`: prompts, completions and what the environment made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ttrl_env.completion import Completion

__all__ = ["Rollout"]


@dataclass(frozen=True)
class Rollout:
    """Whole groups of completions, with their rewards.

    Attributes:
        prompts: What the environment showed, one for each completion.
        completions: What the policy answered; members of a group side by side.
        rewards: The reward of each, shape (completions,), float64.
        abstained: Whether its group should teach nothing, shape (completions,), bool.
        group_size: Completions of one question.
        step: The training step it was sampled in, from 0.
        advantages: Advantages that the reward gave itself, in place of the learner's own
            baseline, shape (completions,), float64; NaN where it gave none. `None`: nowhere.
        weights: What the advantage of each is multiplied by, shape (completions,), float64.
            `None`: 1 everywhere.

    Raises:
        ValueError: The lengths disagree, or a group is not whole.
    """

    prompts: Sequence[str]
    completions: Sequence[Completion]
    rewards: npt.NDArray[np.float64]
    abstained: npt.NDArray[np.bool_]
    group_size: int
    step: int = 0
    advantages: npt.NDArray[np.float64] | None = None
    weights: npt.NDArray[np.float64] | None = None

    @classmethod
    def from_votes(
        cls,
        prompts: Sequence[str],
        completions: Sequence[Completion],
        rewards: npt.NDArray[np.float64],
        votes: Mapping[str, Any],
        *,
        group_size: int,
        step: int = 0,
    ) -> Rollout:
        """Makes a rollout of what a step of the environment returned.

        Args:
            prompts: What the environment showed before the step.
            completions: What the policy answered.
            rewards: The rewards that the step returned.
            votes: What it said of the episodes that ended; `finished_info(infos)` gives that.
            group_size: Completions of one question.
            step: The training step, from 0.
        """
        # Where the mask is false, the reward gave no advantage.
        advantages = np.where(votes["_advantage"], votes["advantage"], np.nan)
        return cls(
            prompts=prompts,
            completions=completions,
            rewards=rewards,
            abstained=votes["abstained"],
            group_size=group_size,
            step=step,
            advantages=advantages,
            weights=votes["advantage_weight"],
        )

    def __post_init__(self) -> None:
        columns = {
            name: len(values)
            for name in ("prompts", "completions", "rewards", "abstained", "advantages", "weights")
            if (values := getattr(self, name)) is not None
        }
        if len(set(columns.values())) != 1 or len(self.prompts) % self.group_size:
            counts = ", ".join(f"{count} {name}" for name, count in columns.items())
            raise ValueError(f"{counts} make no whole groups of {self.group_size}")
