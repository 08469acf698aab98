"""The solutions of lesson 4.

Answers to the two questions:

1. In 1.6 % of its visits (1 - 0.999^16). Larger groups help in proportion to their size only. Other
   ways: train on easier questions first, since what is learned there may carry over; give a part of
   the reward for a part of the way; show the model a worked example.
2. With 15 right of 16, the advantage of the wrong one is -1, and that of each right one is 1/15.
   The other way round, it is 1 for the right one and -1/15 for each wrong one. What is rare is
   pushed the most.
"""

import torch


def completion_mask(tokens: torch.Tensor, end: int) -> torch.Tensor:
    """A token counts if there is no end token before it."""
    is_end = (tokens == end).long()
    ends_before = is_end.cumsum(dim=1) - is_end
    return (ends_before == 0).float()


def leave_one_out(rewards: torch.Tensor) -> torch.Tensor:
    """The sum of the others is the sum of all, minus the own reward."""
    n = rewards.shape[1]
    others = (rewards.sum(dim=1, keepdim=True) - rewards) / (n - 1)
    return rewards - others


def reinforce_loss(
    log_probs: torch.Tensor, mask: torch.Tensor, advantages: torch.Tensor
) -> torch.Tensor:
    """Minus the mean over completions of advantage times log-probability."""
    completion_log_probs = (log_probs * mask).sum(dim=1)
    return -(advantages * completion_log_probs).mean()


def silent_share(rewards: torch.Tensor) -> float:
    """A group is silent if each reward equals the first of its row."""
    return (rewards == rewards[:, :1]).all(dim=1).float().mean().item()
