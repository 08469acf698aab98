"""The policy-gradient objective.

- `clipped_policy_loss`: the clipped surrogate, averaged over tokens.
"""

from __future__ import annotations

import torch

__all__ = ["clipped_policy_loss"]


def clipped_policy_loss(
    log_probs: torch.Tensor,
    old_log_probs: torch.Tensor,
    advantages: torch.Tensor,
    mask: torch.Tensor,
    *,
    clip_low: float = 0.2,
    clip_high: float = 0.2,
    num_tokens: int | None = None,
) -> torch.Tensor:
    """Returns the clipped surrogate loss, averaged over completion tokens.

    L = -1/N sum_t min(rho_t A, clip(rho_t, 1 - clip_low, 1 + clip_high) A), with
    rho_t = exp(log_probs - old_log_probs): PPO, arXiv 1707.06347, equation 7, with the token
    average of DAPO, arXiv 2503.14476, equation 8. At rho = 1 its gradient is REINFORCE's.

    Args:
        log_probs: Log-probabilities under the policy, shape (completions, length), in nats.
        old_log_probs: The same under the policy that sampled.
        advantages: One for each completion, shape (completions,).
        mask: Which positions are tokens, shape (completions, length), bool.
        clip_low: How far below 1 the ratio may fall before its gradient stops.
        clip_high: How far above 1 it may rise.
        num_tokens: N; by default the tokens of `mask`. With micro-batches, those of all of them.

    Returns:
        The loss, a scalar.

    >>> one = torch.ones(1, 1)
    >>> ratio = torch.tensor([[1.5]])
    >>> clipped_policy_loss(ratio.log(), 0 * one, one[0], one.bool(), clip_high=0.28)
    tensor(-1.2800)
    """
    ratio = (log_probs - old_log_probs).exp()
    weights = advantages[:, None]
    clipped = ratio.clamp(1 - clip_low, 1 + clip_high)
    per_token = -torch.minimum(ratio * weights, clipped * weights)
    total = int(mask.sum()) if num_tokens is None else num_tokens
    return per_token.masked_fill(~mask, 0.0).sum() / max(total, 1)
