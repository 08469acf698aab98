"""Whether the sampler and the trainer mean the same policy.

- `Agreement`: how far their log-probabilities of the same tokens lie apart.
- `measure_agreement`: measures it on completions that were just sampled.
- `default_tolerance`: what a device's arithmetic explains.

A sampler with weights of its own may hold old ones, or none; it may round differently, or divide
by another temperature. All of it shows in the log-probabilities of the tokens that it drew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.policy.policy import Policy
from ttrl_env.completion import Completion

__all__ = ["Agreement", "default_tolerance", "measure_agreement"]


@dataclass(frozen=True)
class Agreement:
    """How far two sets of log-probabilities of the same tokens lie apart.

    Attributes:
        mean: The mean absolute difference over tokens, in nats.
        largest: The largest.
        tokens: How many tokens were compared.
    """

    mean: float
    largest: float
    tokens: int


def default_tolerance(device: torch.device) -> float:
    """Returns the mean difference, in nats, that arithmetic alone explains on a device.

    On CPU both sides compute in float32 and agree within 1e-5. On GPU both round to bfloat16,
    whose step is 2^-8: a few hundredths of a nat on a token, a few thousandths in the mean.
    """
    return 1e-3 if device.type == "cpu" else 0.05


@torch.no_grad()
def measure_agreement(
    log_probs: LogProbs,
    prompts: Sequence[str],
    completions: Sequence[Completion],
    temperature: float,
    *,
    rows: int = 8,
) -> Agreement:
    """Compares the sampler's log-probabilities with the policy's own.

    Args:
        log_probs: Computes those of the policy.
        prompts: The prompt of each completion.
        completions: What the sampler drew, with its log-probabilities.
        temperature: What the logits were divided by.
        rows: How many completions are looked at, spread evenly.

    Raises:
        ValueError: A completion has no token ids or no log-probabilities.
    """
    policy: Policy = log_probs.policy
    chosen = np.unique(np.linspace(0, len(completions) - 1, min(rows, len(completions)), dtype=int))
    encoded = policy.encode_prompts(prompts)
    sampled = []
    for i in chosen:
        ids, chances = completions[i].token_ids, completions[i].log_probs
        if ids is None or chances is None:
            raise ValueError("the sampler gave no token ids or no log-probabilities")
        sampled.append((ids, chances))
    batch = TokenBatch.from_ids(
        [encoded[i] for i in chosen],
        [ids for ids, _ in sampled],
        pad_token_id=policy.pad_token_id,
        device=policy.device,
    )
    ours, _ = log_probs(batch, temperature)
    theirs = np.concatenate([chances for _, chances in sampled])
    gaps = np.abs(ours[batch.completion_mask].cpu().numpy() - theirs)
    return Agreement(float(gaps.mean()), float(gaps.max()), len(gaps))
