"""From the rewards of a group to the advantage of each completion.

- `group_advantages`: the group-relative advantages of GRPO and Dr. GRPO.
"""

from __future__ import annotations

import torch

__all__ = ["group_advantages"]


def group_advantages(
    rewards: torch.Tensor, *, scale_by_std: bool = True, epsilon: float = 1e-6
) -> torch.Tensor:
    """Returns how much better each completion did than its group.

    A_i = (r_i - mean(r)) / (std(r) + epsilon), with the unbiased standard deviation: GRPO,
    arXiv 2402.03300, section 4.1.2, with the epsilon of TTRL's reference implementation.
    Without the division: Dr. GRPO, arXiv 2503.20783.

    Args:
        rewards: Shape (groups, completions); two completions or more in a group.
        scale_by_std: Whether to divide by the standard deviation of the group.
        epsilon: Keeps the division finite.

    Returns:
        The advantages, of the same shape; exactly 0 in a group whose rewards are all equal.

    Raises:
        ValueError: A group has fewer than two completions.

    >>> group_advantages(torch.tensor([[1.0, 0.0, 0.0, 0.0]]), epsilon=1e-4)
    tensor([[ 1.4997, -0.4999, -0.4999, -0.4999]])
    """
    if rewards.ndim != 2 or rewards.shape[1] < 2:
        raise ValueError(
            f"rewards must have shape (groups, 2 or more completions), not {tuple(rewards.shape)}"
        )
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    if scale_by_std:
        centred = centred / (rewards.std(dim=1, keepdim=True) + epsilon)
    # Rounding of the mean must not turn a group without contrast into a gradient.
    constant = (rewards == rewards[:, :1]).all(dim=1, keepdim=True)
    return centred.masked_fill(constant, 0.0)
