"""The table of advantages.

- `ADVANTAGES`: the advantages by the names that `Algorithm.advantage` and `--advantage` take.
- `completion_advantage`, `token_advantage`: the decorators that add a function to it.
- `AdvantageInputs`: what an advantage is computed from.
- `CompletionAdvantage`, `TokenAdvantage`: the two kinds of entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ttrl_agents.config.algorithms import Algorithm
from ttrl_agents.config.registry import Registry

__all__ = [
    "ADVANTAGES",
    "AdvantageInputs",
    "CompletionAdvantage",
    "TokenAdvantage",
    "completion_advantage",
    "token_advantage",
]


@dataclass(frozen=True)
class AdvantageInputs:
    """What advantages are computed from: whole groups of completions, their rewards in float64.

    Attributes:
        algorithm: The pieces of the algorithm.
        rewards: The reward of each completion, shape (completions,), penalties subtracted.
        group_size: Completions of one group, which are side by side.
        abstained: Whether the group of each should teach nothing, shape (completions,), bool.
        lengths: The number of tokens of each, shape (completions,).
        mask: Which positions are tokens, shape (completions, length), bool.
        penalties: What is subtracted from the reward of each token, shape (completions, length),
            or `None`. Only for advantages of tokens; `rewards` are then without it.
        values: The critic's estimate at each token, or `None`.
    """

    algorithm: Algorithm
    rewards: torch.Tensor
    group_size: int
    abstained: torch.Tensor
    lengths: torch.Tensor
    mask: torch.Tensor
    penalties: torch.Tensor | None = None
    values: torch.Tensor | None = None

    @property
    def groups(self) -> torch.Tensor:
        """The rewards by group, shape (groups, completions)."""
        return self.rewards.reshape(-1, self.group_size)


OfCompletions = Callable[[AdvantageInputs], torch.Tensor]
OfTokens = Callable[[AdvantageInputs], tuple[torch.Tensor, torch.Tensor | None]]


@dataclass(frozen=True)
class CompletionAdvantage:
    """An advantage of whole completions.

    Attributes:
        compute: Returns one number for each completion, in any shape that keeps their order.
    """

    compute: OfCompletions


@dataclass(frozen=True)
class TokenAdvantage:
    """An advantage of tokens.

    Attributes:
        compute: Returns one number for each token, shape (completions, length), and the returns
            that a critic should expect, or `None`.
    """

    compute: OfTokens


ADVANTAGES: Registry[CompletionAdvantage | TokenAdvantage] = Registry(
    "advantage", "ttrl_agents.advantages"
)


def completion_advantage(name: str) -> Callable[[OfCompletions], OfCompletions]:
    """Returns a decorator that adds a function as an advantage of whole completions.

    Args:
        name: The name that `--advantage` takes.

    >>> @completion_advantage("better-than-median")
    ... def better_than_median(inputs: AdvantageInputs) -> torch.Tensor:
    ...     return inputs.groups - inputs.groups.median(dim=1, keepdim=True).values
    >>> "better-than-median" in ADVANTAGES
    True
    >>> ADVANTAGES.unregister("better-than-median")
    """

    def add(compute: OfCompletions) -> OfCompletions:
        ADVANTAGES.register(name)(CompletionAdvantage(compute))
        return compute

    return add


def token_advantage(name: str) -> Callable[[OfTokens], OfTokens]:
    """Returns a decorator that adds a function as an advantage of tokens.

    Args:
        name: The name that `--advantage` takes.
    """

    def add(compute: OfTokens) -> OfTokens:
        ADVANTAGES.register(name)(TokenAdvantage(compute))
        return compute

    return add
