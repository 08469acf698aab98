"""The loss of PPO's critic, and how good its values are.

- `clipped_value_loss`: its loss, for each token.
- `explained_variance`: the share of the variance of returns that it explains.
"""

from __future__ import annotations

import torch

__all__ = ["clipped_value_loss", "explained_variance"]


def clipped_value_loss(
    values: torch.Tensor, old_values: torch.Tensor, returns: torch.Tensor, clip: float
) -> torch.Tensor:
    """Returns the loss of each value.

    L = max((V - R)^2, (clip(V, V_old - clip, V_old + clip) - R)^2) / 2: a value that has moved
    further than `clip` towards its return no longer has a gradient. The clip is not in the PPO
    paper (arXiv 1707.06347) but in its first implementation, and in verl and OpenRLHF.

    Args:
        values: The critic's values now.
        old_values: Its values of the rollout before any update.
        returns: What it should have said.
        clip: How far a value may move; infinity for a plain squared error.

    >>> clipped_value_loss(torch.tensor([1.0]), torch.tensor([0.0]), torch.tensor([1.0]), 0.5)
    tensor([0.1250])
    """
    near = old_values + (values - old_values).clamp(-clip, clip)
    return torch.maximum((values - returns).square(), (near - returns).square()) / 2


def explained_variance(values: torch.Tensor, returns: torch.Tensor, mask: torch.Tensor) -> float:
    """Returns the share of the variance of returns that the values explain, at most 1.

    1 - Var(R - V) / Var(R); NaN where all returns are equal. Less than 0 is worse than a constant.

    Args:
        values: The critic's values.
        returns: What it should have said.
        mask: Which positions are tokens, bool.

    >>> mask = torch.ones(3, dtype=torch.bool)
    >>> explained_variance(torch.tensor([0.0, 1.0, 2.0]), torch.tensor([1.0, 2.0, 3.0]), mask)
    1.0
    """
    values, returns = values[mask].double(), returns[mask].double()
    variance = returns.var(correction=0)
    if len(returns) == 0 or variance == 0:
        return float("nan")
    return float(1 - (returns - values).var(correction=0) / variance)
