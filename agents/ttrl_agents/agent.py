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
    """The methods that the trainer calls on an agent."""

    def act(
        self, observations: Sequence[str], step: int, progress: Progress | None = None
    ) -> list[Completion]:
        """Returns a completion of each prompt.

        Args:
            observations: The prompts; those of a group are next to each other.
            step: The training step, from 0. Random numbers that are a function of it and of the
                run's seed make a resumed run repeat exactly.
            progress: Called with the number of new tokens during sampling; `Sampler.sample` takes
                it too.
        """
        ...

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Learns from whole groups of rewarded completions.

        Args:
            rollout: The completions of a step, with their rewards.

        Returns:
            Metrics of the step, which are logged by these names.
        """
        ...


@runtime_checkable
class ResumableAgent(Agent, Protocol):
    """An agent with a state besides the policy, e.g. an optimizer.

    Without these two methods, a resumed run continues the saved policy with a new agent.
    """

    def tensors(self) -> dict[str, torch.Tensor]:
        """Returns all that the agent needs to be resumed, besides the policy, on CPU."""
        ...

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Puts back what `tensors` returned."""
        ...
