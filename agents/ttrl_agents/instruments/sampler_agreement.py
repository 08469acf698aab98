"""The agreement of sampler and trainer, which must compute the same policy.

- `SamplerCheck`: checks each step of a run; `SamplerDisagreesError` is what it raises.
- `Agreement`: the difference of their log-probabilities of the same tokens.
- `AgreementTally`: adds it up over batches.
- `measure_agreement`: measures it on completions that were just sampled.
- `default_tolerance`: the difference that rounding alone explains.

A sampler with its own copy of the weights may hold stale ones, round differently, or divide by
another temperature. All of it shows in the log-probabilities of the tokens that it sampled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.policy.policy import Policy
from ttrl_env.completion import Completion

__all__ = [
    "Agreement",
    "AgreementTally",
    "SamplerCheck",
    "SamplerDisagreesError",
    "default_tolerance",
    "measure_agreement",
]

_ROWS = 8
_MICRO_BATCH_TOKENS = 4096
_NO_LOG_PROBS = "the sampler gave no token ids or no log-probabilities"


class SamplerDisagreesError(AgentError):
    """The log-probabilities of sampler and policy differ by more than rounding explains."""


@dataclass(frozen=True)
class Agreement:
    """The difference of two sets of log-probabilities of the same tokens.

    Attributes:
        mean: The mean absolute difference over tokens, in nats.
        largest: The largest.
        tokens: How many tokens were compared.
    """

    mean: float
    largest: float
    tokens: int


class AgreementTally:
    """The difference of two sets of log-probabilities, added up over batches.

    >>> tally, row = AgreementTally(), torch.tensor([[-1.0, -2.0, 0.0]])
    >>> tally.add(row, row - 0.5, torch.tensor([[True, True, False]]))
    >>> tally.result()
    Agreement(mean=0.5, largest=0.5, tokens=2)
    """

    def __init__(self) -> None:
        self._sum = self._largest = 0.0
        self._tokens = 0

    def add(self, ours: torch.Tensor, theirs: torch.Tensor, mask: torch.Tensor) -> None:
        """Adds a batch; tensors have one shape.

        Raises:
            ValueError: The sampler gave no log-probability of a token in the mask.
        """
        gaps = (ours - theirs).abs()[mask].double()
        if bool(gaps.isnan().any() and theirs[mask].isnan().any()):
            raise ValueError(_NO_LOG_PROBS)
        self._sum += float(gaps.sum())
        self._largest = max(self._largest, float(gaps.max()))
        self._tokens += len(gaps)

    def parts(self) -> tuple[float, float, int]:
        """Returns the sum, the largest and the number of differences."""
        return self._sum, self._largest, self._tokens

    @classmethod
    def of(cls, parts: Iterable[tuple[float, float, int]]) -> AgreementTally:
        """Returns one tally of several, e.g. of those of all ranks."""
        tally = cls()
        for total, largest, tokens in parts:
            tally._sum += total
            tally._largest = max(tally._largest, largest)
            tally._tokens += tokens
        return tally

    def result(self) -> Agreement:
        """Returns the difference over all that was added."""
        return Agreement(self._sum / max(self._tokens, 1), self._largest, self._tokens)


class SamplerCheck:
    """Checks in each step that a sampler with its own copy of the weights samples from the policy.

    Args:
        policy: The policy.
        config: The options of the run.
    """

    def __init__(self, policy: Policy, config: TrainConfig) -> None:
        self._log_probs = LogProbs(policy)
        self._config = config
        self._allowed = config.log_prob_tolerance or default_tolerance(
            policy.compute_dtype, config.temperature
        )

    def measure(
        self, step: int, prompts: Sequence[str], completions: Sequence[Completion]
    ) -> dict[str, float]:
        """Returns `sampler_gap` and `sampler_gap_max`, in nats per token.

        Args:
            step: The training step, from 1.
            prompts: The prompt of each completion.
            completions: What the sampler drew.

        Raises:
            SamplerDisagreesError: They differ by more than rounding explains.
        """
        # They are run at once, so they have to fit into a micro-batch.
        lengths = [len(each.token_ids) for each in completions if each.token_ids is not None]
        budget = self._config.micro_batch_tokens or _MICRO_BATCH_TOKENS
        found = measure_agreement(
            self._log_probs,
            prompts,
            completions,
            self._config.temperature,
            rows=max(1, min(_ROWS, budget // max(lengths, default=1))),
        )
        return self.judge(step, found)

    def judge(self, step: int, found: Agreement) -> dict[str, float]:
        """Returns the metrics of a comparison that was made elsewhere.

        Args:
            step: The training step, from 1.
            found: The comparison.

        Raises:
            SamplerDisagreesError: They differ by more than rounding explains.
        """
        config = self._config
        if not found.mean <= self._allowed:
            raise SamplerDisagreesError(
                f"In step {step} the log-probabilities of --sampler {config.sampler} differ from "
                f"the policy's by {found.mean:.3g} nats per token on average ({found.largest:.3g} "
                f"at most, over {found.tokens} tokens); {self._allowed:g} is allowed. The sampler "
                "has stale weights or other settings, so this step was discarded. If this "
                "difference is expected, raise --log-prob-tolerance."
            )
        return {"sampler_gap": found.mean, "sampler_gap_max": found.largest}


def default_tolerance(dtype: torch.dtype, temperature: float) -> float:
    """Returns the mean difference, in nats, that rounding alone explains.

    In float32 both sides agree within 1e-5. In bfloat16, whose step is 2^-8, they differ by a few
    hundredths of a nat on a token and a few thousandths on average. A temperature divides logits,
    and their errors with them.

    Args:
        dtype: The type that both compute in.
        temperature: The temperature of sampling, more than 0.
    """
    return (1e-3 if dtype == torch.float32 else 0.05) / min(temperature, 1.0)


@torch.no_grad()
def measure_agreement(
    log_probs: LogProbs,
    prompts: Sequence[str],
    completions: Sequence[Completion],
    temperature: float,
    *,
    rows: int = _ROWS,
) -> Agreement:
    """Compares the sampler's log-probabilities with the policy's own.

    Args:
        log_probs: Computes those of the policy.
        prompts: The prompt of each completion.
        completions: What the sampler drew, with its log-probabilities.
        temperature: What the logits were divided by.
        rows: How many completions are compared, spread evenly.

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
            raise ValueError(_NO_LOG_PROBS)
        sampled.append((ids, chances))
    batch = TokenBatch.from_ids(
        [encoded[i] for i in chosen],
        [ids for ids, _ in sampled],
        pad_token_id=policy.pad_token_id,
        device=policy.device,
    )
    ours, _ = log_probs(batch, temperature, entropy="none")
    theirs = np.concatenate([chances for _, chances in sampled])
    gaps = np.abs(ours[batch.completion_mask].cpu().numpy() - theirs)
    return Agreement(float(gaps.mean()), float(gaps.max()), len(gaps))
