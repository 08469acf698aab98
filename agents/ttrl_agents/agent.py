"""The agent: acts on prompts, learns from rollouts.

- `Agent`: the protocol; anyone's algorithm can stand in its place.
- `ResumableAgent`: an agent with state of its own that a checkpoint keeps.
- `make_agent`: the agent of a run.
- `PolicyGradientAgent`: group-relative policy gradient (GRPO) on a language model.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch

from ttrl_agents.config import TrainConfig
from ttrl_agents.determinism import deterministic
from ttrl_agents.log_probs import LogProbs, TokenBatch
from ttrl_agents.lora import LoraPolicy
from ttrl_agents.losses import clipped_policy_loss, group_advantages, kl_estimate
from ttrl_agents.optimizer_state import optimizer_tensors, restore_optimizer
from ttrl_agents.policy import Policy, load_policy
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import Sampler, SamplingParams, make_sampler
from ttrl_agents.samplers.base import Progress
from ttrl_agents.schedule import rate_factor
from ttrl_agents.seeds import Stream, derive_seed
from ttrl_env.completion import Completion
from ttrl_env.consensus import reward_needs

__all__ = ["Agent", "PolicyGradientAgent", "ResumableAgent", "make_agent"]

_SMALL_MODEL = 10_000_000


class Agent(Protocol):
    """What a training loop needs of an agent."""

    def act(
        self, observations: Sequence[str], step: int, progress: Progress | None = None
    ) -> list[Completion]:
        """Answers each prompt."""
        ...

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Learns from whole groups of rewarded completions; returns metrics."""
        ...


@runtime_checkable
class ResumableAgent(Agent, Protocol):
    """An agent that keeps more than the policy, e.g. an optimizer.

    Without these two, a resumed run goes on with the saved policy and an agent made anew.
    """

    def tensors(self) -> dict[str, torch.Tensor]:
        """Returns all that the agent needs to go on, beside the policy, on CPU."""
        ...

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Puts back what `tensors` returned."""
        ...


class PolicyGradientAgent:
    """Group-relative policy gradient on a language model.

    One step of AdamW on each rollout. Groups that abstain, and groups whose rewards are all
    equal, have no gradient and are not run through the model.

    Args:
        policy: The language model.
        config: The options of the run.
        sampler: Where completions come from; by default the model itself.
        reference: What `kl_coef` holds the policy to; by default the policy as it is now.
    """

    def __init__(
        self,
        policy: Policy,
        config: TrainConfig,
        sampler: Sampler | None = None,
        *,
        reference: Policy | None = None,
    ) -> None:
        self.policy = policy
        self.config = config
        self.sampler = sampler or make_sampler(policy, config)
        self.params = SamplingParams(
            config.max_tokens,
            config.temperature,
            token_statistics="token statistics" in reward_needs(config.reward),
        )
        self.learning_rate = (
            config.learning_rate
            if config.learning_rate is not None
            else (2e-4 if policy.num_parameters < _SMALL_MODEL else 1e-6)
            * (10 if config.lora_rank else 1)
        )
        self.optimizer = torch.optim.AdamW(
            policy.model.parameters(),
            lr=self.learning_rate,
            betas=(0.9, config.adam_beta2),
            weight_decay=config.weight_decay,
        )
        self._rate_scale = 1.0
        self._log_probs = LogProbs(policy)
        self._reference: LogProbs | None = None
        if config.kl_coef > 0:
            if reference is None:
                frozen = copy.deepcopy(policy.model).eval().requires_grad_(False)
                reference = Policy(frozen, policy.tokenizer, policy.name)
            self._reference = LogProbs(reference)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Returns the state of the optimizer."""
        return optimizer_tensors(self.optimizer, self.policy.model.named_parameters())

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Puts the state of the optimizer back.

        Raises:
            AgentError: The state is that of another model.
        """
        restore_optimizer(self.optimizer, self.policy.model.named_parameters(), tensors)

    def scale_learning_rate(self, factor: float) -> None:
        """Multiplies the learning rate of every later step; a checkpoint does not keep it."""
        self._rate_scale *= factor

    def act(
        self, observations: Sequence[str], step: int, progress: Progress | None = None
    ) -> list[Completion]:
        """Samples one completion of each prompt.

        Args:
            observations: The prompts.
            step: The training step, which names the draw.
            progress: Called with the number of new tokens while sampling goes on.
        """
        seed = derive_seed(self.config.seed, Stream.SAMPLING, step)
        return self.sampler.sample(observations, self.params, seed=seed, progress=progress)

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Takes one optimizer step.

        Returns:
            `loss`, `entropy` (mean over the trained tokens, nats), `log_prob_gap` (largest
            difference between the sampler's and the trainer's log-probabilities), `grad_norm`,
            `learning_rate`, `trained_completions`, `trained_tokens`, `kl` where a reference is
            kept, and `skipped`: 1 where the step was not taken because its loss or gradient was
            not finite.
        """
        rate = self.learning_rate * self._rate_scale * self._schedule(rollout.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        advantages = self._advantages(rollout)
        rows = np.flatnonzero(advantages)
        num_tokens = sum(len(_tokens(rollout.completions[int(i)])) for i in rows)
        metrics = {
            "learning_rate": rate,
            "trained_completions": float(len(rows)),
            "trained_tokens": float(num_tokens),
            "skipped": 0.0,
        }
        # Without any contrast there is nothing to learn: no step, not even one of weight decay.
        if len(rows) == 0:
            return metrics | {"loss": 0.0, "entropy": math.nan, "grad_norm": 0.0}
        metrics |= self._accumulate(rollout, rows, advantages, num_tokens)
        norm = torch.nn.utils.clip_grad_norm_(
            self.policy.model.parameters(), self.config.max_grad_norm
        )
        metrics["grad_norm"] = float(norm)
        if math.isfinite(metrics["loss"]) and math.isfinite(metrics["grad_norm"]):
            self.optimizer.step()
        else:
            metrics["skipped"] = 1.0
        self.optimizer.zero_grad(set_to_none=True)
        return metrics

    def _accumulate(
        self,
        rollout: Rollout,
        rows: npt.NDArray[np.intp],
        advantages: npt.NDArray[np.float64],
        num_tokens: int,
    ) -> dict[str, float]:
        """Adds up the gradient over micro-batches."""
        policy, config = self.policy, self.config
        prompts = policy.encode_prompts(rollout.prompts)
        loss_sum = entropy_sum = kl_sum = gap = 0.0
        for part in self._micro_batches(rollout, rows):
            batch = TokenBatch.from_ids(
                [prompts[i] for i in part],
                [_tokens(rollout.completions[i]) for i in part],
                pad_token_id=policy.pad_token_id,
                device=policy.device,
            )
            mask = batch.completion_mask
            log_probs, entropies = self._log_probs(batch, config.temperature)
            loss = clipped_policy_loss(
                log_probs,
                log_probs.detach(),  # one update a rollout: the policy is the one that sampled
                torch.tensor(advantages[part], dtype=torch.float32, device=policy.device),
                mask,
                clip_low=config.clip_low,
                clip_high=config.clip_high,
                num_tokens=num_tokens,
            )
            if self._reference is not None:
                with torch.no_grad():
                    reference, _ = self._reference(batch, config.temperature)
                kl = kl_estimate(log_probs, reference, "k3").masked_fill(~mask, 0.0).sum()
                kl_sum += kl.item() / num_tokens
                loss = loss + config.kl_coef * kl / num_tokens
            with deterministic(policy.device):
                loss.backward()
            loss_sum += loss.item()
            entropy_sum += entropies.sum().item()
            gap = max(gap, self._gap(rollout, part, log_probs))
        metrics = {"loss": loss_sum, "entropy": entropy_sum / num_tokens, "log_prob_gap": gap}
        return metrics if self._reference is None else metrics | {"kl": kl_sum}

    def _advantages(self, rollout: Rollout) -> npt.NDArray[np.float64]:
        """One advantage a completion, 0 where it does not train."""
        trained = self.config.n_train or rollout.group_size
        rewards = rollout.rewards.reshape(-1, rollout.group_size)[:, :trained]
        advantages = np.zeros((len(rewards), rollout.group_size))
        advantages[:, :trained] = group_advantages(
            torch.from_numpy(rewards), scale_by_std=self.config.scale_by_std
        ).numpy()
        if rollout.advantages is not None:
            given = rollout.advantages.reshape(advantages.shape)
            advantages = np.where(np.isnan(given), advantages, given)
            advantages[:, trained:] = 0.0
        if rollout.weights is not None:
            advantages *= rollout.weights.reshape(advantages.shape)
        advantages[rollout.abstained.reshape(-1, rollout.group_size)] = 0.0
        return advantages.ravel()

    def _micro_batches(
        self, rollout: Rollout, rows: npt.NDArray[np.intp]
    ) -> Iterator[npt.NDArray[np.intp]]:
        """Rows of like length, as many as the token budget holds, one at least."""
        lengths = np.array([len(_tokens(rollout.completions[i])) for i in rows])
        rows, lengths = rows[order := np.argsort(lengths, kind="stable")], lengths[order]
        start = 0
        while start < len(rows):
            sizes = lengths[start:] * np.arange(1, len(rows) - start + 1)
            count = max(1, int(np.searchsorted(sizes, self.config.micro_batch_tokens, "right")))
            yield rows[start : start + count]
            start += count

    @staticmethod
    def _gap(rollout: Rollout, part: npt.NDArray[np.intp], log_probs: torch.Tensor) -> float:
        ours = log_probs.detach().cpu().numpy()
        gaps = [
            np.abs(ours[row, : len(sampled)] - sampled).max()
            for row, i in enumerate(part)
            if (sampled := rollout.completions[i].log_probs) is not None
        ]
        return float(max(gaps, default=0.0))

    def _schedule(self, step: int) -> float:
        config = self.config
        return rate_factor(config.schedule, step, config.steps, config.warmup_steps)


def make_agent(policy: Policy, config: TrainConfig, sampler: Sampler) -> Agent:
    """Returns the agent of a run.

    Args:
        policy: The language model, which may be that of a run that goes on.
        config: The options of the run; its `model` is what `kl_coef` holds the policy to.
        sampler: Where completions come from.
    """
    reference: Policy | None = None
    if config.kl_coef > 0 and isinstance(policy, LoraPolicy):
        reference = policy.base()
    elif config.kl_coef > 0:
        reference = load_policy(
            config.model, device=config.device, chat_template=config.chat_template
        )
    return PolicyGradientAgent(policy, config, sampler, reference=reference)


def _tokens(completion: Completion) -> npt.NDArray[np.int64]:
    if completion.token_ids is None:
        raise ValueError("learning needs the token ids of each completion; the sampler gave none")
    return completion.token_ids
