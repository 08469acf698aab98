"""The KL divergence from the initial policy.

- `kl_estimate`: the estimators k1, k2 and k3 of KL(policy || reference).
"""

from __future__ import annotations

import torch

from ttrl_agents.config.algorithms import KLEstimator

__all__ = ["kl_estimate"]


def kl_estimate(
    log_probs: torch.Tensor, reference_log_probs: torch.Tensor, estimator: KLEstimator = "k3"
) -> torch.Tensor:
    """Returns an estimate of KL(policy || reference) for each sampled token.

    With d = log_probs - reference_log_probs: k1 = d, k2 = d^2 / 2, k3 = exp(-d) + d - 1.
    k3 is never negative and unbiased; it is the term of GRPO (arXiv 2402.03300, equation 4).
    Source: J. Schulman, "Approximating KL Divergence", 2020. As a term of the loss, k2 has the
    gradient of this divergence, k3 nearly the same where the two policies are close, and the
    gradient of k1 is 0 on average.

    Args:
        log_probs: Log-probabilities under the policy, any shape, in nats.
        reference_log_probs: The same under the reference.
        estimator: `"k1"`, `"k2"` or `"k3"`.

    Raises:
        ValueError: There is no such estimator.

    >>> kl_estimate(torch.tensor([-0.1]), torch.tensor([0.0]), "k2")
    tensor([0.0050])
    """
    difference = log_probs - reference_log_probs
    if estimator == "k1":
        return difference
    if estimator == "k2":
        return difference.square() / 2
    if estimator == "k3":
        # Bounded, as in verl, so that one impossible token neither gives infinity nor outweighs all
        # others.
        d = difference.clamp(-20, 20)
        return ((-d).exp() + d - 1).clamp(max=10.0)
    raise ValueError(f"unknown KL estimator {estimator!r}; use k1, k2 or k3")
