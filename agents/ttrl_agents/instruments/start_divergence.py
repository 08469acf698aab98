"""The divergence of the policy from the initial policy, as a metric.

- `StartDivergence`: estimates KL(policy || initial policy) on a step's own completions.
- `make_start_divergence`: makes it for a run, or returns `None`.

It only measures: it computes no gradient and samples nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.learning.experience import Rows, split_by_tokens
from ttrl_agents.learning.losses import kl_estimate
from ttrl_agents.policy.divided import load_initial_policy
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.policy.policy import Policy
from ttrl_agents.rollout import Rollout

__all__ = ["StartDivergence", "make_start_divergence"]

_SMALL_EVERY = 5
_ROWS = 4


class StartDivergence:
    """Estimates the divergence of the policy from the initial policy, in nats per token.

    Uses the sampler's log-probabilities as the policy's, so that it costs one forward pass of the
    initial policy, over the first few completions of each group. The estimator is k1, which is
    unbiased. k3, which is never negative, was several times noisier here: a token that is much
    likelier under the initial policy contributes the exponential of the difference.

    Args:
        start: The initial policy.
        every: Steps from one estimate to the next.
        temperature: What the logits were divided by when sampling.
        micro_batch_tokens: The most completion tokens, padding included, run at once.
        rows: Completions of each group that are measured.
    """

    def __init__(
        self,
        start: Policy,
        every: int,
        temperature: float,
        micro_batch_tokens: int = 4096,
        rows: int = _ROWS,
    ) -> None:
        self.start = start
        self.every = every
        self._temperature = temperature
        self._budget = micro_batch_tokens
        self._rows = rows
        self._log_probs = LogProbs(start)

    @torch.no_grad()
    def measure(self, rollout: Rollout) -> dict[str, float]:
        """Returns `kl_start`, the mean k1 over tokens, in the steps in which it is due.

        It is NaN if no completion has token ids and log-probabilities.
        """
        if rollout.step % self.every:
            return {}
        total, count = 0.0, 0
        prompts = self.start.encode_prompts(rollout.prompts)
        for part in self._parts(rollout):
            completions = [rollout.completions[i] for i in part]
            batch = TokenBatch.from_ids(
                [prompts[i] for i in part],
                [each.token_ids for each in completions if each.token_ids is not None],
                pad_token_id=self.start.pad_token_id,
                device=self.start.device,
            )
            mask = batch.completion_mask
            start, _ = self._log_probs(batch, self._temperature, entropy="none")
            sampled = np.concatenate([each.log_probs for each in completions])
            policy = torch.from_numpy(sampled).to(start.device)
            total += kl_estimate(policy, start[mask], "k1").sum().item()
            count += int(mask.sum())
        return {"kl_start": total / count if count else float("nan")}

    def _parts(self, rollout: Rollout) -> Iterator[Rows]:
        """Yields the completions that are measured, as many at once as the token budget holds."""
        lengths = np.array(
            [
                0 if each.token_ids is None or each.log_probs is None else len(each.token_ids)
                for each in rollout.completions
            ]
        )
        looked_at = np.arange(len(lengths)) % rollout.group_size < self._rows
        rows = np.flatnonzero(looked_at & (lengths > 0))
        return split_by_tokens(rows, lengths[rows], self._budget)


def make_start_divergence(policy: Policy, config: TrainConfig) -> StartDivergence | None:
    """Returns the divergence of a run, or `None` if its options do not ask for one.

    Args:
        policy: The policy of the run, which may be a resumed one.
        config: The options of the run; its `model` is the initial policy.
    """
    every = config.monitor_kl_every
    if every is None:
        every = _SMALL_EVERY if policy.is_small else 0
    if every == 0:
        return None
    start = load_initial_policy(config)
    return StartDivergence(start, every, config.temperature, config.micro_batch_tokens or 4096)
