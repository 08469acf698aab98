"""One batch of experience.

- `Rollout`: prompts, completions and what the environment made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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

    Raises:
        ValueError: The lengths disagree, or a group is not whole.
    """

    prompts: Sequence[str]
    completions: Sequence[Completion]
    rewards: npt.NDArray[np.float64]
    abstained: npt.NDArray[np.bool_]
    group_size: int
    step: int = 0

    def __post_init__(self) -> None:
        sizes = {len(self.prompts), len(self.completions), len(self.rewards), len(self.abstained)}
        if len(sizes) != 1 or len(self.prompts) % self.group_size:
            raise ValueError(
                f"{len(self.prompts)} prompts, {len(self.completions)} completions, "
                f"{len(self.rewards)} rewards and {len(self.abstained)} abstentions make no "
                f"whole groups of {self.group_size}"
            )
