"""The loss of a micro-batch, as an algorithm says.

- `LossInputs`: all that it is computed from, beside the policy's log-probabilities.
- `policy_objective`: the loss, and what there is to see of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ttrl_agents.config.algorithms import Algorithm
from ttrl_agents.learning.losses.aggregation import Counts, aggregate
from ttrl_agents.learning.losses.importance import importance_weights
from ttrl_agents.learning.losses.kl import kl_estimate
from ttrl_agents.learning.losses.surrogates import (
    clipped_surrogate,
    clipped_weight,
    probability_ratio,
    soft_gate,
)

__all__ = ["LossInputs", "policy_objective"]


@dataclass(frozen=True)
class LossInputs:
    """What the loss of a micro-batch is computed from; shapes are (completions, length).

    Attributes:
        mask: Which positions are tokens, bool; every row has one or more.
        advantages: One for each token.
        old_log_probs: Log-probabilities before any update; `None` where the policy has not moved
            since, so that the ratio is 1.
        reference_log_probs: Those of the initial model, where it is held to it.
        sampler_log_probs: Those that the sampler reported; NaN or `None` where it did not.
    """

    mask: torch.Tensor
    advantages: torch.Tensor
    old_log_probs: torch.Tensor | None = None
    reference_log_probs: torch.Tensor | None = None
    sampler_log_probs: torch.Tensor | None = None


def policy_objective(
    algorithm: Algorithm,
    log_probs: torch.Tensor,
    entropies: torch.Tensor,
    inputs: LossInputs,
    counts: Counts,
) -> tuple[torch.Tensor, dict[str, float], dict[str, float]]:
    """Returns the loss of a micro-batch and its measures.

    Args:
        algorithm: The pieces that it is made of.
        log_probs: Log-probabilities of the tokens under the policy, with gradient.
        entropies: Entropies of the distributions that they came from; with gradient where
            `algorithm.entropy_coef` is not 0.
        inputs: The rest.
        counts: Of the whole update.

    Returns:
        The loss; sums over tokens, to be divided by their number (`entropy`, `ratio_mean`,
        `clip_fraction`, `kl` with a reference, and with an importance correction
        `importance_mean` and `importance_masked`); and maxima (`ratio_max`, `log_prob_gap`,
        `importance_max`).
    """
    mask, advantages = inputs.mask, inputs.advantages
    old = log_probs.detach() if inputs.old_log_probs is None else inputs.old_log_probs
    ratio = probability_ratio(log_probs, old, mask, algorithm.ratio)
    low, high = algorithm.clip_low, algorithm.clip_high
    if algorithm.objective == "weight":
        per_token = clipped_weight(ratio, advantages, log_probs, clip_low=low, clip_high=high)
    elif algorithm.objective == "gate":
        per_token = soft_gate(ratio, advantages)
    else:
        per_token = clipped_surrogate(
            ratio, advantages, clip_low=low, clip_high=high, dual_clip=algorithm.dual_clip
        )
    seen = ratio.detach()
    sums = {
        "entropy": _sum(entropies.detach(), mask),
        "ratio_mean": _sum(seen, mask),
        "clip_fraction": _sum(_clipped(algorithm, seen, advantages), mask),
    }
    maxima = {"ratio_max": _max(seen, mask), "log_prob_gap": 0.0}
    if inputs.sampler_log_probs is not None:
        gap = (old - inputs.sampler_log_probs).abs()
        maxima["log_prob_gap"] = _max(gap, mask & ~gap.isnan())
        if algorithm.importance_correction != "none":
            weights = importance_weights(
                old,
                inputs.sampler_log_probs,
                mask,
                correction=algorithm.importance_correction,
                level=algorithm.importance_level,
                cap=algorithm.importance_cap,
            )
            per_token = per_token * weights
            sums["importance_mean"] = _sum(weights, mask)
            sums["importance_masked"] = _sum(weights == 0, mask)
            maxima["importance_max"] = _max(weights, mask)
    loss = aggregate(per_token, mask, algorithm.aggregation, counts)
    if inputs.reference_log_probs is not None:
        kl = kl_estimate(log_probs, inputs.reference_log_probs, algorithm.kl_estimator)
        sums["kl"] = _sum(kl.detach(), mask)
        if algorithm.kl_in == "loss":
            loss = loss + algorithm.kl_coef * aggregate(kl, mask, algorithm.aggregation, counts)
    if algorithm.entropy_coef:
        bonus = aggregate(entropies, mask, algorithm.aggregation, counts)
        loss = loss - algorithm.entropy_coef * bonus
    return loss, sums, maxima


def _clipped(algorithm: Algorithm, ratio: torch.Tensor, advantages: torch.Tensor) -> torch.Tensor:
    """Which tokens are held back: without a gradient (clip), or with a bounded weight."""
    above, below = ratio > 1 + algorithm.clip_high, ratio < 1 - algorithm.clip_low
    if algorithm.objective == "gate":
        return torch.zeros_like(above)
    if algorithm.objective == "weight":
        return above | below
    clipped = (above & (advantages > 0)) | (below & (advantages < 0))
    if algorithm.dual_clip > 0:
        clipped = clipped | ((ratio > algorithm.dual_clip) & (advantages < 0))
    return clipped


def _sum(values: torch.Tensor, mask: torch.Tensor) -> float:
    return float(values.masked_fill(~mask, 0).sum())


def _max(values: torch.Tensor, mask: torch.Tensor) -> float:
    return float(values[mask].max()) if bool(mask.any()) else 0.0
