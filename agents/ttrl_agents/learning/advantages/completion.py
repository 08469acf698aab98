"""The advantages of whole completions, from the rewards of their groups.

- `group_advantages`: GRPO and Dr. GRPO.
- `leave_one_out_advantages`: RLOO.
- `mean_ratio_advantages`: MaxRL.
- `length_weighted_advantages`: OPO.
- `batch_advantages`: REINFORCE with the mean of the batch as its baseline.
- `overlong_penalty`: DAPO's penalty on completions near the length limit.

The functions are pure; the entries of `ADVANTAGES` at the end of the file call them. Rewards of
groups have shape (groups, completions). If all rewards that are compared are equal, the advantage
is exactly 0, even if their mean is rounded.
"""

from __future__ import annotations

import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.learning.advantages.registry import AdvantageInputs, completion_advantage

__all__ = [
    "batch_advantages",
    "group_advantages",
    "leave_one_out_advantages",
    "length_weighted_advantages",
    "mean_ratio_advantages",
    "overlong_penalty",
]


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
    _check_groups(rewards)
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    if scale_by_std:
        centred = centred / (rewards.std(dim=1, keepdim=True) + epsilon)
    return _without_constant_groups(centred, rewards)


def leave_one_out_advantages(rewards: torch.Tensor) -> torch.Tensor:
    """Returns how much better each completion did than the others of its group.

    A_i = r_i - mean of the other r_j = G / (G - 1) (r_i - mean(r)): RLOO, arXiv 2402.14740,
    equation 8.

    Args:
        rewards: Shape (groups, completions); two completions or more in a group.

    Raises:
        ValueError: A group has fewer than two completions.

    >>> leave_one_out_advantages(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
    tensor([[ 1.0000, -0.3333, -0.3333, -0.3333]])
    """
    _check_groups(rewards)
    size = rewards.shape[1]
    centred = (rewards - rewards.mean(dim=1, keepdim=True)) * (size / (size - 1))
    return _without_constant_groups(centred, rewards)


def mean_ratio_advantages(rewards: torch.Tensor) -> torch.Tensor:
    """Returns how much better each completion did than its group, in units of the group's mean.

    A_i = (r_i - mean(r)) / mean(r): MaxRL, arXiv 2602.02710. The rarer a reward, the more it
    counts.

    Args:
        rewards: Shape (groups, completions), none negative; two completions or more in a group.

    Raises:
        ValueError: A reward is negative, so that the mean may vanish; or a group has fewer than
            two completions.

    >>> mean_ratio_advantages(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
    tensor([[ 3., -1., -1., -1.]])
    """
    _check_groups(rewards)
    if (rewards < 0).any():
        raise ValueError(
            f"MaxRL divides by the mean reward, so rewards must be 0 or more, not "
            f"{rewards.min().item():g}; use another algorithm with this reward"
        )
    mean = rewards.mean(dim=1, keepdim=True)
    # Only a constant group has mean 0, and it is set to 0 below.
    ratio = (rewards - mean) / mean.where(mean > 0, torch.ones_like(mean))
    return _without_constant_groups(ratio, rewards)


def length_weighted_advantages(rewards: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Returns how much better each completion did than its group, long ones counting more.

    A_i = r_i - sum_j |o_j| r_j / sum_j |o_j|: OPO, arXiv 2505.23585, the baseline of least
    variance if the gradient of a completion grows with the root of its length.

    Args:
        rewards: Shape (groups, completions); two completions or more in a group.
        lengths: Tokens of each completion, of the same shape.

    Raises:
        ValueError: A group has fewer than two completions, or no tokens at all.

    >>> length_weighted_advantages(torch.tensor([[1.0, 0.0]]), torch.tensor([[3, 1]]))
    tensor([[ 0.2500, -0.7500]])
    """
    _check_groups(rewards)
    total = lengths.sum(dim=1, keepdim=True)
    if (total <= 0).any():
        raise ValueError("a group whose completions have no tokens has no baseline")
    baseline = (lengths * rewards).sum(dim=1, keepdim=True) / total
    return _without_constant_groups(rewards - baseline, rewards)


def batch_advantages(rewards: torch.Tensor) -> torch.Tensor:
    """Returns how much better each completion did than the whole batch.

    A = r - mean(r): REINFORCE (Williams, 1992) with the mean reward as its baseline. A group whose
    rewards are all equal has an advantage here, unless the whole batch is equal.

    Args:
        rewards: One for each completion, any shape.

    >>> batch_advantages(torch.tensor([1.0, 1.0, 0.0, 0.0]))
    tensor([ 0.5000,  0.5000, -0.5000, -0.5000])
    """
    if rewards.numel() == 0 or (rewards == rewards.flatten()[0]).all():
        return torch.zeros_like(rewards)
    return rewards - rewards.mean()


def overlong_penalty(lengths: torch.Tensor, max_tokens: int, buffer: int) -> torch.Tensor:
    """Returns what is added to the rewards of long completions.

    0 up to max_tokens - buffer, then falling in a line to -1 at max_tokens: the soft overlong
    punishment of DAPO, arXiv 2503.14476, equation 13.

    Args:
        lengths: Tokens of each completion, any shape.
        max_tokens: The length limit.
        buffer: Over how many tokens before it the penalty grows.

    Raises:
        ValueError: The buffer is not from 1 to `max_tokens`.

    >>> overlong_penalty(torch.tensor([16000, 18432, 20480]), 20480, 4096)
    tensor([ 0.0000, -0.5000, -1.0000], dtype=torch.float64)
    """
    if not 1 <= buffer <= max_tokens:
        raise ValueError(f"the buffer must be from 1 to max_tokens = {max_tokens}, not {buffer}")
    over = (lengths.double() - (max_tokens - buffer)).clamp(0, buffer)
    return 0 - over / buffer


def _check_groups(rewards: torch.Tensor) -> None:
    if rewards.ndim != 2 or rewards.shape[1] < 2:
        raise ValueError(
            f"rewards must have shape (groups, 2 or more completions), not {tuple(rewards.shape)}"
        )


def _without_constant_groups(advantages: torch.Tensor, rewards: torch.Tensor) -> torch.Tensor:
    # Rounding of the mean must not give a group with equal rewards a gradient.
    constant = (rewards == rewards[:, :1]).all(dim=1, keepdim=True)
    return advantages.masked_fill(constant, 0.0)


@completion_advantage("group-mean")
def _group_mean(inputs: AdvantageInputs) -> torch.Tensor:
    return group_advantages(inputs.groups, scale_by_std=inputs.algorithm.scale_by_std)


@completion_advantage("leave-one-out")
def _leave_one_out(inputs: AdvantageInputs) -> torch.Tensor:
    return leave_one_out_advantages(inputs.groups)


@completion_advantage("group-mean-ratio")
def _group_mean_ratio(inputs: AdvantageInputs) -> torch.Tensor:
    if (inputs.rewards < 0).any():
        raise AgentError(
            f"maxrl divides by the mean reward, and a reward of {inputs.rewards.min().item():g} is "
            "below 0. Use another --algorithm, e.g. grpo, or another --reward."
        )
    return mean_ratio_advantages(inputs.groups)


@completion_advantage("length-weighted")
def _length_weighted(inputs: AdvantageInputs) -> torch.Tensor:
    return length_weighted_advantages(inputs.groups, inputs.lengths.reshape(inputs.groups.shape))


@completion_advantage("batch-mean")
def _batch_mean(inputs: AdvantageInputs) -> torch.Tensor:
    result = torch.zeros_like(inputs.rewards)
    result[~inputs.abstained] = batch_advantages(inputs.rewards[~inputs.abstained])
    return result
