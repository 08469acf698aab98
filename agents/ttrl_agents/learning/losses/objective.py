"""The loss of a micro-batch, put together from the pieces of an algorithm.

- `LossInputs`: its inputs, besides the policy's log-probabilities.
- `policy_objective`: the loss and its metrics.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ttrl_agents.config.algorithms import Algorithm
from ttrl_agents.learning.losses.aggregation import Counts, aggregate
from ttrl_agents.learning.losses.importance import importance_weights
from ttrl_agents.learning.losses.kl import kl_estimate
from ttrl_agents.learning.losses.surrogates import (
    SURROGATES,
    SurrogateInputs,
    probability_ratio,
)

__all__ = ["LossInputs", "policy_objective"]


@dataclass(frozen=True)
class LossInputs:
    """The inputs of the loss of a micro-batch; shapes are (completions, length).

    Attributes:
        mask: Which positions are tokens, bool; every row has one or more.
        advantages: One for each token.
        old_log_probs: Log-probabilities before any update; `None` where the policy has not moved
            since, so that the ratio is 1.
        reference_log_probs: Those of the initial policy, where the divergence from it is used.
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
    """Returns the loss of a micro-batch and its metrics.

    Args:
        algorithm: The pieces that it is made of.
        log_probs: Log-probabilities of the tokens under the policy, with gradient.
        entropies: Entropies of the distributions that they came from; with gradient where
            `algorithm.entropy_coef` is not 0.
        inputs: The rest.
        counts: The counts of the whole update.

    Returns:
        The loss; sums over tokens, to be divided by their number (`entropy`, `ratio_mean`,
        `clip_fraction`, `kl` with a reference, and with an importance correction
        `importance_mean` and `importance_masked`); and maxima (`ratio_max`, `log_prob_gap`,
        `importance_max`).
    """
    mask, advantages = inputs.mask, inputs.advantages
    old = log_probs.detach() if inputs.old_log_probs is None else inputs.old_log_probs
    ratio = probability_ratio(log_probs, old, mask, algorithm.ratio)
    surrogate = SURROGATES.find(algorithm.objective)
    per_token, held_back = surrogate(SurrogateInputs(algorithm, ratio, advantages, log_probs))
    seen = ratio.detach()
    sums = {
        "entropy": _sum(entropies.detach(), mask),
        "ratio_mean": _sum(seen, mask),
        "clip_fraction": _sum(held_back, mask),
    }
    maxima = {"ratio_max": _max(seen, mask), "log_prob_gap": 0.0}
    if inputs.sampler_log_probs is not None:
        gap = (old - inputs.sampler_log_probs).abs()
        maxima["log_prob_gap"] = _max(gap, mask & ~gap.isnan())
        if algorithm.importance_correction != "none":
            weights = _importance(algorithm, old, inputs.sampler_log_probs, mask)
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


def _importance(
    algorithm: Algorithm, old: torch.Tensor, sampler: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    return importance_weights(
        old,
        sampler,
        mask,
        correction=algorithm.importance_correction,
        level=algorithm.importance_level,
        cap=algorithm.importance_cap,
    )


def _sum(values: torch.Tensor, mask: torch.Tensor) -> float:
    return float(values.masked_fill(~mask, 0).sum())


def _max(values: torch.Tensor, mask: torch.Tensor) -> float:
    return float(values[mask].max()) if bool(mask.any()) else 0.0
