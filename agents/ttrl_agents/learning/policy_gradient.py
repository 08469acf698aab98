"""The policy-gradient agent: samples completions of prompts, learns from rollouts.

- `PolicyGradientAgent`: policy gradient on a language model, as an `Algorithm` says.
- `make_agent`: the agent of a run.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ttrl_agents.agent import Agent
from ttrl_agents.config.schedule import rate_factor
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.distributed.rounds import idle_share, turns
from ttrl_agents.distributed.sums import gradient_sums
from ttrl_agents.distributed.world import world
from ttrl_agents.instruments.sampler_agreement import SamplerCheck
from ttrl_agents.learning.advantages.assign import assign_credit
from ttrl_agents.learning.compact_adamw import make_adamw
from ttrl_agents.learning.critic import Critic
from ttrl_agents.learning.experience import Experience, Rows, split_by_tokens
from ttrl_agents.learning.first_pass import FirstPass
from ttrl_agents.learning.losses import Counts, explained_variance, policy_objective
from ttrl_agents.learning.optimizer_state import masters, optimizer_tensors, restore_optimizer
from ttrl_agents.learning.skipped_updates import dump_update, has_room
from ttrl_agents.learning.step_metrics import Tally
from ttrl_agents.policy.determinism import deterministic
from ttrl_agents.policy.divided import copy_of, load_initial_policy
from ttrl_agents.policy.layer_kernels import use_liger
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.policy.lora import LoraPolicy
from ttrl_agents.policy.offloaded import Offloaded
from ttrl_agents.policy.policy import Policy
from ttrl_agents.policy.token_batch import TokenBatch
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import Sampler, SamplingParams, make_sampler
from ttrl_agents.samplers.base import Progress
from ttrl_agents.seeds import Stream, derive_seed
from ttrl_env.completion import Completion
from ttrl_env.consensus import reward_needs

__all__ = ["PolicyGradientAgent", "make_agent"]

_MICRO_BATCH_TOKENS = 4096
_CRITIC = "critic/"
_LOSS_SCALE = "loss_scale"


class PolicyGradientAgent:
    """Policy gradient on a language model.

    A step reads from top to bottom: `learn` takes the completions to train on from a rollout,
    scores them where the algorithm needs that (`_score`), turns rewards into advantages
    (`assign_credit`), and then, for every epoch and minibatch, adds up the gradient over
    micro-batches and takes one step of AdamW (`_update`). Completions without an advantage are not
    run through the model.

    Args:
        policy: The language model.
        config: The options of the run.
        sampler: Where completions come from; by default the model itself.
        reference: The policy that `kl_coef` keeps this one close to; by default a copy as it is
            now.

    Raises:
        AgentError: The model cannot be trained with these options.
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
        self.algorithm = config.resolve_algorithm()
        self.sampler = sampler or make_sampler(policy, config)
        self.params = SamplingParams(
            config.max_tokens,
            config.temperature,
            token_statistics="token statistics" in reward_needs(config.reward),
            stop_at_box=config.stop_at_box,
        )
        small = policy.is_small
        default = (2e-4 if small else 1e-6) * (10 if config.lora_rank else 1)
        self.learning_rate = _or(config.learning_rate, default)
        betas = (0.9, config.adam_beta2)
        self.optimizer = make_adamw(
            policy.model.parameters(),
            bits=config.optimizer_bits,
            lr=self.learning_rate,
            betas=betas,
            weight_decay=config.weight_decay,
        )
        self._rate_scale = 1.0
        compiled = config.kernels == "compile"
        if config.kernels == "liger":
            use_liger(policy)
        self._log_probs = LogProbs(
            policy,
            compiled=compiled,
            gradient_checkpointing=config.gradient_checkpointing,
            packed={"auto": None, "yes": True, "no": False}[config.pack_rows],
        )
        self.packed = self._log_probs.packed
        self._check: SamplerCheck | None = None
        self._reference: LogProbs | None = None
        self._offloaded: Offloaded | None = None
        if self.algorithm.kl_coef > 0:
            if reference is None:
                frozen = copy_of(policy, trained=False)
                reference = Policy(frozen, policy.tokenizer, policy.name)
            elif config.kernels == "liger" and not config.lora_rank:
                use_liger(reference)
            self._reference = LogProbs(reference, packed=self.packed, compiled=compiled)
            if config.offload_reference and not config.lora_rank:  # which has no weights of its own
                self._offloaded = Offloaded(reference.model)
        self.critic: Critic | None = None
        if self.algorithm.advantage == "gae":
            self.critic = Critic(
                policy,
                learning_rate=_or(config.critic_learning_rate, 1e-3 if small else 9e-6),
                betas=betas,
                weight_decay=config.weight_decay,
                gradient_checkpointing=config.gradient_checkpointing,
                packed=self.packed,
                compiled=compiled,
                optimizer_bits=config.optimizer_bits,
            )
        self._lockstep = policy.divided
        self._gradient_sums = gradient_sums(policy.model, self.optimizer.moved, policy.device)
        if self.critic is not None:
            self._gradient_sums += self.critic.gradient_sums()

    @property
    def update_path(self) -> str | None:
        """What computes an update, in words, where it is not the plain way on CPU."""
        special = self.packed or self.policy.device.type != "cpu"
        return self._log_probs.describe() if special else None

    def tensors(self) -> dict[str, torch.Tensor]:
        """Returns the state of the optimizer, and of the critic if there is one."""
        tensors = optimizer_tensors(self.optimizer, self.policy.model.named_parameters())
        if self.policy.divided and self.policy.compute_dtype != torch.float32:
            # The model is saved as it computes; what the optimizer moves is kept here.
            tensors |= masters(self.policy.model.named_parameters())
        if self.critic is not None:
            tensors |= {_CRITIC + name: each for name, each in self.critic.tensors().items()}
        if self.optimizer.loss_scale != 1:
            tensors[_LOSS_SCALE] = self.optimizer.scale_tensor()
        return tensors

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Puts back what `tensors` returned.

        Raises:
            AgentError: The state belongs to another model.
        """
        own = {name: each for name, each in tensors.items() if not name.startswith(_CRITIC)}
        scale = own.pop(_LOSS_SCALE, None)
        restore_optimizer(self.optimizer, self.policy.model.named_parameters(), own)
        if scale is not None:
            self.optimizer.restore_scale(scale)
        if self.critic is not None:
            self.critic.restore(
                {
                    name.removeprefix(_CRITIC): each
                    for name, each in tensors.items()
                    if name.startswith(_CRITIC)
                }
            )

    def scale_learning_rate(self, factor: float) -> None:
        """Multiplies the learning rate of every later step; a checkpoint does not keep it."""
        self._rate_scale *= factor

    def compare_with_sampler(self, check: SamplerCheck) -> bool:
        """Takes the comparison with a sampler into the passes of `learn`; returns whether it does.

        On CPU, which is the reference, the comparison stays a pass of its own before the votes.
        """
        if self.packed:
            self._check = check
        return self.packed

    def act(
        self, observations: Sequence[str], step: int, progress: Progress | None = None
    ) -> list[Completion]:
        """Samples one completion of each prompt.

        Args:
            observations: The prompts.
            step: The training step, which seeds the sampling.
            progress: Called with the number of new tokens during sampling.
        """
        seed = derive_seed(self.config.seed, Stream.SAMPLING, step)
        return self.sampler.sample(observations, self.params, seed=seed, progress=progress)

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Learns from a rollout, in one update or several.

        Returns:
            `learning_rate`, `trained_completions`, `trained_tokens`, `loss` and `grad_norm` (means
            over updates), and `skipped`: updates that were not taken because their loss or gradient
            was not finite (see `non_finite/` in the run directory). If anything was trained on,
            also `updates`, and over the trained tokens `entropy` (mean, nats), `ratio_mean`,
            `ratio_max` and `clip_fraction`, and `log_prob_gap` (largest difference between the
            sampler's and the trainer's log-probabilities). `kl` with a reference;
            `importance_mean`, `importance_max` and `importance_masked` with an importance
            correction; `value_loss` and `explained_variance` with a critic; `loss_scale` where it
            is not 1.
        """
        rate = self._set_learning_rate(rollout.step)
        experience = self._experience(rollout)
        metrics = {
            "learning_rate": rate,
            "trained_completions": float(len(experience)),
            "trained_tokens": float(experience.lengths.sum()),
            "skipped": 0.0,
        }
        # If no rewards differ there is nothing to learn: no step, not even of weight decay.
        if len(experience) == 0:
            if self._check is not None:
                step, drawn = rollout.step + 1, rollout.completions
                metrics |= self._check.measure(step, rollout.prompts, drawn)
            return metrics | {"loss": 0.0, "entropy": math.nan, "grad_norm": 0.0}
        if experience.values is not None and experience.returns is not None:
            metrics["explained_variance"] = explained_variance(
                experience.values, experience.returns, experience.mask
            )
        tally = Tally()
        first: FirstPass | None = FirstPass(
            experience, records=self._records_old, check=self._check
        )
        for epoch in range(self.algorithm.epochs):
            for rows, questions in self._minibatches(experience, rollout, epoch):
                metrics["skipped"] += not self._update(
                    experience, rows, questions, tally, rollout.step, first
                )
                first = None
        if self.optimizer.loss_scale != 1:
            metrics["loss_scale"] = self.optimizer.loss_scale
        return metrics | tally.metrics()

    def _experience(self, rollout: Rollout) -> Experience:
        """The completions to train on, with all that the updates need."""
        algorithm, config = self.algorithm, self.config
        prompts = self.policy.encode_prompts(rollout.prompts)
        experience = Experience.from_rollout(rollout, prompts, config.n_train)
        if len(experience) == 0:
            return experience
        # Score first if advantages need scores; else score only completions with an advantage.
        needs_scores_for_credit = self.critic is not None or algorithm.shapes_reward
        if needs_scores_for_credit:
            experience = self._score(experience, rollout)
        experience = assign_credit(algorithm, experience, config.max_tokens).with_gradient()
        if not needs_scores_for_credit:
            experience = self._score(experience, rollout)
        if algorithm.epochs * algorithm.minibatches == 1:
            # The policy has not changed since it sampled, so the ratio is exactly 1.
            experience = replace(experience, old_log_probs=None)
        elif config.old_log_probs == "sampler":
            experience = replace(experience, old_log_probs=experience.sampler_log_probs)
        experience.check_sampler(
            corrected=algorithm.importance_correction != "none",
            old=config.old_log_probs == "sampler",
        )
        return experience

    @property
    def _scores_old(self) -> bool:
        """Whether later updates need the log-probabilities by the trainer before the first."""
        moves = self.algorithm.epochs * self.algorithm.minibatches > 1
        return moves and self.config.old_log_probs == "trainer"

    @property
    def _records_old(self) -> bool:
        """Whether those of the first minibatch are taken from the pass of its gradient.

        On CPU, which is the reference, they are not: batches of other rows round otherwise.
        """
        return self.packed and self._scores_old and not self.algorithm.shapes_reward

    @torch.no_grad()
    def _score(self, experience: Experience, rollout: Rollout) -> Experience:
        """The log-probabilities and values that are needed before the first update."""
        everything = np.arange(len(experience))
        jobs: list[tuple[str, LogProbs, Rows]] = []
        if self._scores_old or self.algorithm.shapes_reward:
            rows = everything
            if self._records_old:
                first = next(self._minibatches(experience, rollout, 0), (everything, 0))[0]
                rows = np.setdiff1d(everything, first)
            jobs.append(("old_log_probs", self._log_probs, rows))
        if self._reference is not None:
            jobs.append(("reference_log_probs", self._reference, everything))
        found: dict[str, Any] = {}
        for name, scorer, rows in jobs:
            away = self._offloaded if scorer is self._reference else None
            with contextlib.nullcontext() if away is None else away.brought_back():
                found[name] = self._values_of_tokens(
                    experience, rows, functools.partial(self._log_probs_alone, scorer)
                )
        if self.critic is not None:
            found["values"] = self._values_of_tokens(experience, everything, self.critic)
        return replace(experience, **found)

    def _log_probs_alone(self, scorer: LogProbs, batch: TokenBatch) -> torch.Tensor:
        return scorer(batch, self.config.temperature, entropy="none")[0]

    def _values_of_tokens(
        self, experience: Experience, rows: Rows, run: Callable[[TokenBatch], torch.Tensor]
    ) -> torch.Tensor:
        """Runs something over rows in micro-batches; returns its values of tokens, on CPU."""
        found = torch.zeros(experience.mask.shape)
        parts = list(self._micro_batches(experience, rows))
        for _, part, counted in turns(world(), parts, lockstep=self._lockstep):
            batch = experience.token_batch(part, self.policy.pad_token_id, self.policy.device)
            values = run(batch)
            if counted:
                found[torch.from_numpy(part), : values.shape[1]] = values.cpu()
        world().add([found])  # 0 where another rank has run it
        return found

    def _minibatches(
        self, experience: Experience, rollout: Rollout, epoch: int
    ) -> Iterator[tuple[Rows, int]]:
        """The rows of each update, and how many questions they were asked of."""
        groups = np.arange(len(rollout.prompts) // rollout.group_size)
        if self.algorithm.minibatches > 1:
            seed = derive_seed(self.config.seed, Stream.MINIBATCHES, rollout.step, epoch)
            groups = np.random.default_rng(seed).permutation(groups)
        for part in np.array_split(groups, self.algorithm.minibatches):
            rows = np.flatnonzero(np.isin(experience.groups, part))
            if len(rows):
                yield rows, len(part)

    def _update(
        self,
        experience: Experience,
        rows: Rows,
        questions: int,
        tally: Tally,
        step: int,
        first: FirstPass | None,
    ) -> bool:
        """Takes one step of each optimizer; returns whether it could be taken."""
        algorithm, policy, critic = self.algorithm, self.policy, self.critic
        counts = Counts(
            tokens=int(experience.lengths[rows].sum()),
            completions=len(rows),
            budget=questions * experience.group_rows * self.config.max_tokens,
        )
        measured = dict.fromkeys(["loss"] if critic is None else ["loss", "value_loss"], 0.0)
        parts, seen = list(self._micro_batches(experience, rows)), []
        for place, part, counted in turns(
            world(), parts, lockstep=self._lockstep, sums=self._gradient_sums
        ):
            batch = experience.token_batch(part, policy.pad_token_id, policy.device)
            inputs = experience.loss_inputs(part, policy.device)
            log_probs, entropies = self._log_probs(
                batch,
                self.config.temperature,
                entropy="gradient" if algorithm.entropy_coef else "value",
            )
            if first is not None and counted:
                inputs = first.take(part, inputs, log_probs)
            loss, sums, maxima = policy_objective(algorithm, log_probs, entropies, inputs, counts)
            with deterministic(policy.device):
                self.optimizer.backward(loss if counted else loss * 0)
            losses = {"loss": loss.item()}
            if critic is not None:
                old = experience.tokens_of(experience.values, part, policy.device)
                returns = experience.tokens_of(experience.returns, part, policy.device)
                losses["value_loss"] = critic.add_gradient(
                    batch, old, returns, clip=algorithm.value_clip, counts=counts, counted=counted
                )
            if counted:
                seen.append((place, losses, int(experience.lengths[part].sum()), sums, maxima))
        self._tally(tally, measured, seen, len(parts))
        if first is not None:
            first.share()
            tally.note(first.agreement(step + 1))  # before anything has moved
        optimizers = {"grad_norm": self.optimizer}
        if critic is not None:
            optimizers["value_grad_norm"] = critic.optimizer
        for name, optimizer in optimizers.items():
            measured[name] = optimizer.clip(self.config.max_grad_norm)
        finite = all(map(math.isfinite, measured.values()))
        if not finite and not self._overflowed(measured):
            self._dump(experience.take(rows), step, tally.updates, measured)
        for optimizer in optimizers.values():
            if finite:
                optimizer.step()
            optimizer.zero_grad()
        tally.add_update(measured)
        return finite

    def _tally(
        self, tally: Tally, measured: dict[str, float], seen: list[Any], micro_batches: int
    ) -> None:
        """Adds up what all ranks have seen, in the order in which one process sees it."""
        found = sorted(
            (each for of_rank in world().gather(seen) for each in of_rank), key=lambda each: each[0]
        )
        for _, losses, tokens, sums, maxima in found:
            for name, value in losses.items():
                measured[name] += value
            tally.add_tokens(tokens, sums, maxima)
        if world().size > 1:
            measured["idle_share"] = idle_share(world(), micro_batches)

    def _overflowed(self, measured: dict[str, float]) -> bool:
        """Lowers loss scales; returns whether they alone explain a value that is not finite."""
        optimizers = [self.optimizer, *([] if self.critic is None else [self.critic.optimizer])]
        lowered = [optimizer.back_off() for optimizer in optimizers]
        losses = [value for name, value in measured.items() if name.endswith("loss")]
        return any(lowered) and all(map(math.isfinite, losses))

    def _dump(
        self, experience: Experience, step: int, update: int, measured: dict[str, float]
    ) -> None:
        folder = None if self.config.output is None else self.config.output / "non_finite"
        # An agent outside a run needs no folder.
        if folder is None or not world().lead(functools.partial(has_room, folder)):
            return
        with torch.no_grad():
            found = self._values_of_tokens(
                experience,
                np.arange(len(experience)),
                functools.partial(self._log_probs_alone, self._log_probs),
            )
        if not world().leads:
            return
        dump_update(
            folder / f"step-{step:06d}",
            experience,
            found,
            step=step,
            update=update,
            facts=measured,
        )

    def _micro_batches(self, experience: Experience, rows: Rows) -> Iterator[Rows]:
        budget = self.config.micro_batch_tokens or _MICRO_BATCH_TOKENS
        if self.packed:
            return experience.packs(rows, budget)
        return split_by_tokens(rows, experience.lengths[rows], budget)

    def _set_learning_rate(self, step: int) -> float:
        """Sets the learning rate of this step in the optimizers; returns the policy's."""
        config = self.config
        factor = rate_factor(config.schedule, step, config.steps, config.warmup_steps)
        factor *= self._rate_scale
        rates = [(self.optimizer, self.learning_rate)]
        if self.critic is not None:
            rates.append((self.critic.optimizer, self.critic.learning_rate))
        for optimizer, rate in rates:
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
        return self.learning_rate * factor


def make_agent(policy: Policy, config: TrainConfig, sampler: Sampler) -> Agent:
    """Returns the agent of a run.

    Args:
        policy: The language model, which may be that of a resumed run.
        config: The options of the run; its `model` is the initial policy, which `kl_coef` keeps the
            policy close to.
        sampler: Where completions come from.
    """
    reference: Policy | None = None
    if config.resolve_algorithm().kl_coef > 0 and isinstance(policy, LoraPolicy):
        reference = policy.base()
    elif config.resolve_algorithm().kl_coef > 0:
        reference = load_initial_policy(config)
    return PolicyGradientAgent(policy, config, sampler, reference=reference)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
