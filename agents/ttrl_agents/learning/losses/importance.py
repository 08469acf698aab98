"""The correction for a sampler whose probabilities differ from the trainer's.

- `importance_weights`: a weight for the loss of each token.

The two differ by rounding, by other kernels, by lower precision, or because the sampler's weights
are older.
"""

from __future__ import annotations

import torch

from ttrl_agents.config.algorithms import ImportanceCorrection, ImportanceLevel

__all__ = ["importance_weights"]


def importance_weights(
    old_log_probs: torch.Tensor,
    sampler_log_probs: torch.Tensor,
    mask: torch.Tensor,
    *,
    correction: ImportanceCorrection = "truncate",
    level: ImportanceLevel = "token",
    cap: float = 2.0,
) -> torch.Tensor:
    """Returns a weight for each token, without gradient.

    With w the ratio of the trainer's probability to the sampler's, of the token, of the whole
    completion (the product) or the geometric mean over it: `"truncate"` gives min(w, cap)
    (truncated importance sampling, as in verl); `"mask"` gives 1 where w lies in [1 / cap, cap]
    and 0 elsewhere (the idea of IcePop); `"none"` gives 1.

    Args:
        old_log_probs: Log-probabilities by the trainer, before any update, in nats.
        sampler_log_probs: Those that the sampler reported.
        mask: Which positions are tokens, shape (completions, length), bool.
        correction: How w becomes a weight.
        level: What w is the ratio of.
        cap: The bound, 1 or more.

    Returns:
        The weights, of the shape of `mask`.

    Raises:
        ValueError: There is no such correction or level.

    >>> mask = torch.ones(1, 2, dtype=torch.bool)
    >>> ours, theirs = torch.tensor([[3.0, 1.0]]).log(), torch.zeros(1, 2)
    >>> importance_weights(ours, theirs, mask)
    tensor([[2., 1.]])
    >>> importance_weights(ours, theirs, mask, correction="mask")
    tensor([[0., 1.]])
    >>> importance_weights(ours, theirs, mask, correction="mask", level="sequence")
    tensor([[0., 0.]])
    """
    if correction == "none":
        return torch.ones_like(old_log_probs)
    # Twenty, as for the policy's own ratio: it is far beyond every cap.
    log_ratio = (old_log_probs.detach() - sampler_log_probs).masked_fill(~mask, 0.0)
    if level in ("sequence", "geometric"):
        log_ratio = log_ratio.sum(dim=1, keepdim=True)
        if level == "geometric":
            log_ratio = log_ratio / mask.sum(dim=1, keepdim=True)
        log_ratio = log_ratio.expand(mask.shape)
    elif level != "token":
        raise ValueError(f"unknown level {level!r}; use token, sequence or geometric")
    ratio = log_ratio.clamp(-20, 20).exp()
    if correction == "truncate":
        return ratio.clamp(max=cap)
    if correction == "mask":
        return ((ratio <= cap) & (ratio >= 1 / cap)).to(ratio.dtype)
    raise ValueError(f"unknown correction {correction!r}; use none, truncate or mask")
