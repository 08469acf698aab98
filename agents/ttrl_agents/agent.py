"""The protocols of an agent: act on prompts, learn from rollouts.

- `Agent`: any object with `act` and `learn` can train in the trainer's loop.
- `ResumableAgent`: an agent with state of its own that a checkpoint keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch

from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers.base import Progress
from ttrl_env.completion import Completion

__all__ = ["Agent", "ResumableAgent"]


class Agent(Protocol):
    """What a training loop needs of an agent."""

    def act(
        self, observations: Sequence[str], step: int, progress: Progress | None = None
    ) -> list[Completion]:
        """Answers each prompt."""
        ...

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Learns from whole groups of rewarded completions; returns metrics."""
        ...


@runtime_checkable
class ResumableAgent(Agent, Protocol):
    """An agent that keeps more than the policy, e.g. an optimizer.

    Without these two, a resumed run goes on with the saved policy and an agent made anew.
    """

    def tensors(self) -> dict[str, torch.Tensor]:
        """Returns all that the agent needs to go on, beside the policy, on CPU."""
        ...

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Puts back what `tensors` returned."""
        ...
