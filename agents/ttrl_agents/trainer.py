"""The training loop: sample, vote, learn.

- `Trainer`: one run, from its options to its results.
- `Interrupted`: raised where a run was asked to stop.
- `resume_config`: the options of a run that is to go on.

The loop itself is `Trainer._step`. Around it are the evaluations (`evaluate.moments`), the folder
and the checkpoints of the run (`run`), and the callbacks that watch it (`callbacks`).
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ttrl_agents.agent import Agent, ResumableAgent
from ttrl_agents.callbacks.base import Callback, CallbackList
from ttrl_agents.callbacks.collapse import CollapseMonitor
from ttrl_agents.callbacks.first_completions import FirstCompletions
from ttrl_agents.callbacks.votes import VotesCallback
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.moments import AFTER, BEFORE, RunEvaluations
from ttrl_agents.instruments.collapse import Alarm
from ttrl_agents.instruments.sampler_agreement import SamplerCheck, SamplerDisagreesError
from ttrl_agents.instruments.start_divergence import make_start_divergence
from ttrl_agents.instruments.vote_metrics import vote_metrics
from ttrl_agents.learning.pieces import check_pieces
from ttrl_agents.learning.policy_gradient import make_agent
from ttrl_agents.memory.run import out_of_memory_advice, plan_run
from ttrl_agents.policy.checks import check_policy
from ttrl_agents.policy.loading import load_run_policy
from ttrl_agents.policy.policy import Policy
from ttrl_agents.rollout import Rollout
from ttrl_agents.run.atomic import claim_folder, replace_folder
from ttrl_agents.run.best_checkpoint import BestCheckpoint
from ttrl_agents.run.checkpoint import (
    BEST,
    TrainerState,
    check_same_options,
    latest_state,
    load_state,
    save_state,
    verify_state,
)
from ttrl_agents.run.env_questions import (
    check_reward,
    load_questions,
    make_environments,
)
from ttrl_agents.run.folder import (
    CONFIG,
    SUMMARY,
    append_metrics,
    check_usable,
    resume_config,
    run_folder_name,
    trim_steps,
)
from ttrl_agents.run.run_prompts import fix_date, prepare_prompts
from ttrl_agents.run.summary import summarize_run
from ttrl_agents.samplers import Sampler, check_sampler, make_sampler
from ttrl_env.completion import Completion
from ttrl_env.consensus import Diagnostics
from ttrl_env.files import write_atomically
from ttrl_env.registration import check_env_id
from ttrl_env.wrappers import finished_info
from ttrl_env.wrappers.consensus_reward import find_consensus_reward

__all__ = ["Interrupted", "Trainer", "resume_config"]

Metrics = dict[str, float]


class Interrupted(Exception):  # noqa: N818 - not an error: the run was asked to stop, and saved
    """The run was asked to stop; what it has done is saved.

    Attributes:
        folder: The run directory.
        step: Training steps that are saved.
    """

    def __init__(self, folder: Path, step: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.folder = folder
        self.step = step


class Trainer:
    """One training run.

    Args:
        config: The options.
        callbacks: What watches the run.
        resume: Whether to go on with the run in `config.output`.
        agent: Makes the agent from the policy, the options and the sampler; by default the
            package's own. One that keeps an optimizer should be a `ResumableAgent`.
        sampler: Makes the sampler from the policy and the options; by default the one that
            `config.sampler` names.

    Raises:
        AgentError: Something the user can mend: an unknown name, a missing file, a folder that
            holds another run.
    """

    def __init__(
        self,
        config: TrainConfig,
        callbacks: Sequence[Callback] = (),
        *,
        resume: bool = False,
        agent: Callable[[Policy, TrainConfig, Sampler], Agent] = make_agent,
        sampler: Callable[[Policy, TrainConfig], Sampler] = make_sampler,
    ) -> None:
        check_env_id(config.env)
        check_reward(config)
        check_pieces(config.resolve_algorithm())
        if sampler is make_sampler:
            check_sampler(config)
        if config.output is not None:
            check_usable(config.output, resume=resume)
        watchers = [VotesCallback(), FirstCompletions(), *_with_monitor(config, callbacks)]
        self.callbacks = CallbackList(watchers)
        self.stopping = False
        self._load_checkpoint(config, resume=resume)
        config, self.plan = plan_run(config)
        self.benchmark, self.held_out = load_questions(config)
        saved = None if self.state_path is None else self.state_path / "model"
        self.policy = load_run_policy(config, saved)
        check_policy(self.policy)
        config = fix_date(config, self.policy, self.state, self.state_path)
        asked = prepare_prompts(
            config, self.policy, self.benchmark, self.held_out, self.state, self.state_path
        )
        self.benchmark, self.held_out = asked.benchmark, asked.held_out
        self.left_out = asked.left_out
        self.state.questions, self.state.prompts = asked.questions, asked.prompts
        self.envs = make_environments(config, self.benchmark)
        self.folder = config.output or claim_folder(run_folder_name(config))
        self.config = config = replace(config, output=self.folder)
        self.sampler = sampler(self.policy, config)
        self.agent = agent(self.policy, config, self.sampler)
        self.evaluations = RunEvaluations(
            config, self.policy, self.sampler, self.benchmark, self.held_out
        )
        self.diagnostics = Diagnostics(config.n_votes)
        self.divergence = make_start_divergence(self.policy, config)
        self.best = BestCheckpoint(config.best_by)
        self._check = SamplerCheck(self.policy, config) if self.sampler.copies_weights else None
        compare = getattr(self.agent, "compare_with_sampler", None)
        if self._check is not None and compare is not None and compare(self._check):
            self._check = None  # the agent compares while it learns
        self._sampler_is_stale = False

    def request_stop(self) -> None:
        """Stops the run, saved, at the end of the step that is under way."""
        self.stopping = True

    def raise_alarm(self, alarm: Alarm, *, stop: bool = False) -> None:
        """Notes an alarm and tells every callback.

        Args:
            alarm: What was seen. No later checkpoint becomes the best one.
            stop: Whether to end the training after this step and go back to the best checkpoint.
        """
        self.state.alarms.append(alarm.to_dict())
        self.state.stopped |= stop
        self.callbacks.on_alarm(alarm)

    def run(self) -> dict[str, Any]:
        """Trains, and returns the summary that it also writes.

        Raises:
            Interrupted: `request_stop` was called; the run is saved and can be resumed.
            AgentError: The sampler failed for good, or samples from other weights than those of
                the policy; the run is saved and can be resumed.
        """
        try:
            return self._run()
        finally:
            self.sampler.close()

    def _run(self) -> dict[str, Any]:
        self.folder.mkdir(parents=True, exist_ok=True)
        options = json.dumps(self.config.to_dict(), indent=2)
        write_atomically(self.folder / CONFIG, options + "\n")
        if self.state_path is not None:
            self._restore()
        trim_steps(self.folder, self.state.step)
        self.callbacks.on_start(self)
        if self.state_path is None:
            if self.config.evaluate:
                self.callbacks.on_phase("measuring the start")
                self._evaluate(BEFORE)
            self._save_if_best()
            self._save()
        self.callbacks.on_phase("training")
        self._train()
        if self.state.stopped:
            self._go_back()
        if self.config.evaluate and AFTER not in self.state.evaluations:
            self.callbacks.on_phase("measuring the end")
            self._evaluate(AFTER)
        summary = self._finish()
        self.callbacks.on_end(summary)
        return summary

    def _train(self) -> None:
        """Takes the steps that are left, evaluates and saves."""
        position = self.state.step * self.config.questions_per_step
        prompts, _ = self.envs.reset(seed=self.config.seed, options={"position": position})
        while self.state.step < self.config.steps and not self.state.stopped:
            name = f"step {self.state.step}"
            if self.evaluations.due(self.state.step) and name not in self.state.evaluations:
                with self._saved_where_sampling_fails():
                    self._evaluate(name)
            began = time.monotonic()
            prompts, metrics = self._step(prompts)
            self._record(metrics, time.monotonic() - began)
            last = self.state.step == self.config.steps or self.state.stopped
            due = last or self.state.step % self.config.checkpoint_every == 0
            if due:
                self._save_if_best()
            if due or self.stopping:
                self._save()
            if self.stopping and not last:
                raise Interrupted(self.folder, self.state.step)

    def _step(self, prompts: Sequence[str]) -> tuple[Sequence[str], Metrics]:
        """One step of TTRL: sample, vote, learn."""
        completions, agreement = self._sample(prompts)
        next_prompts, rewards, _, _, infos = self.envs.step(completions)
        votes = finished_info(infos)
        rollout = Rollout.from_votes(
            prompts,
            completions,
            rewards,
            votes,
            group_size=self.config.n_votes,
            step=self.state.step,
        )
        self.callbacks.on_rollout(self.state.step + 1, rollout, votes)
        with self._told_how_to_go_on():
            metrics = self._measure(rollout, votes) | self.agent.learn(rollout)
        self._sampler_is_stale = True
        return next_prompts, metrics | agreement | self.sampler.metrics()

    def _sample(self, prompts: Sequence[str]) -> tuple[list[Completion], Metrics]:
        """Returns completions, and how well the sampler agrees with the policy."""
        step = self.state.step
        with self._saved_where_sampling_fails():
            self._sync_sampler()
            completions = self.agent.act(prompts, step, self.callbacks.on_tokens)
            if self._check is None:
                return completions, {}
            return completions, self._check.measure(step + 1, prompts, completions)

    def _measure(self, rollout: Rollout, votes: dict[str, Any]) -> Metrics:
        """Returns what there is to see of a rollout before the policy learns from it."""
        metrics = vote_metrics(rollout, votes, self.diagnostics)
        return metrics | (self.divergence.measure(rollout) if self.divergence else {})

    def _record(self, metrics: Metrics, seconds: float) -> None:
        """Counts a step that is done and writes its metrics."""
        self.state.step += 1
        self.state.seconds += seconds
        metrics |= {"seconds": seconds, "tokens_per_second": metrics["tokens"] / seconds}
        append_metrics(self.folder, self.state.step, metrics)
        self.best.observe(metrics)
        self.callbacks.on_step(self.state.step, metrics)

    @contextlib.contextmanager
    def _saved_where_sampling_fails(self) -> Iterator[None]:
        """Saves the run where the sampler fails for good: what was learned before is whole."""
        try:
            yield
        except AgentError as error:
            self._save()
            raise AgentError(
                f"{error} The run ends; it is saved after step {self.state.step}. To go on: "
                f"ttrl train --resume {self.folder}"
            ) from error

    @contextlib.contextmanager
    def _told_how_to_go_on(self) -> Iterator[None]:
        """Says what is saved where an update cannot be made, and names the options that help."""
        try:
            yield
        except SamplerDisagreesError as error:
            raise AgentError(f"{error} {self._way_back()}.") from error
        except torch.OutOfMemoryError as error:
            raise AgentError(
                f"The GPU's memory ran out in the update of step {self.state.step + 1}. "
                f"{out_of_memory_advice(self.config)} {self._way_back()}, with such an option"
            ) from error

    def _way_back(self) -> str:
        # Some of the step may be learned already, so the last checkpoint is what is left.
        saved = latest_state(self.folder / "checkpoints")
        where = f"It is saved in {saved.name}" if saved else "Nothing of it is saved yet"
        return f"The run ends. {where}. To go on: ttrl train --resume {self.folder}"

    def _sync_sampler(self) -> None:
        # Before the next draw and not after the update: where it fails, the step before is whole.
        if self._sampler_is_stale:
            self.sampler.sync()
            self._sampler_is_stale = False

    def _evaluate(self, name: str) -> None:
        """Evaluates the trained and the held-out questions."""
        self._sync_sampler()
        results = self.evaluations.measure(
            name,
            self.state.step,
            self.folder,
            progress=self.callbacks.on_tokens,
            answered=self.callbacks.on_questions,
            stop=lambda: self.stopping,
        )
        if results is None:
            if self.state.step:
                self._save()
            raise Interrupted(self.folder, self.state.step)
        self.state.evaluations[name] = results
        self.callbacks.on_evaluation(name, results)

    def _save(self) -> None:
        tensors = self.agent.tensors() if isinstance(self.agent, ResumableAgent) else {}
        states = {name: part.state_dict() for name, part in self._parts().items()}
        parts = {name: state for name, state in states.items() if state}
        self.state.parts = self.callbacks.state_dict() | parts
        self.state.options = self.config.to_dict()
        save_state(
            self.folder / "checkpoints",
            self.policy,
            tensors,
            self.state,
            keep=self.config.keep_checkpoints,
        )

    def _save_if_best(self) -> None:
        # Before the state that names it: a run killed in between writes the same files again.
        if not self.state.alarms and self.best.take(self.state.step):
            replace_folder(
                self.folder / "checkpoints" / BEST,
                lambda to: self.policy.save_for_resuming(to / "model"),
            )

    def _go_back(self) -> None:
        """Takes up the weights of the best checkpoint."""
        path = self.folder / "checkpoints" / BEST / "model"
        best = load_run_policy(self.config, path)
        self.policy.model.load_state_dict(best.model.state_dict())
        self._sampler_is_stale = True

    def _load_checkpoint(self, config: TrainConfig, *, resume: bool) -> None:
        """Loads the newest checkpoint of a run that goes on."""
        self.state = TrainerState()
        self.state_path: Path | None = None
        if resume and config.output is not None:
            self.state_path = latest_state(config.output / "checkpoints")
        if self.state_path is not None:
            verify_state(self.state_path)
            self._saved_tensors, self.state = load_state(self.state_path)
            check_same_options(self.state_path, self.state, config)

    def _restore(self) -> None:
        """Puts back what the agent, the callbacks and the rest had when the checkpoint was made."""
        if isinstance(self.agent, ResumableAgent):
            self.agent.restore(self._saved_tensors)
        self._saved_tensors = {}
        self.callbacks.load_state_dict(self.state.parts)
        for name, part in self._parts().items():
            if name in self.state.parts:
                part.load_state_dict(self.state.parts[name])
        self._sampler_is_stale = True

    def _parts(self) -> dict[str, Any]:
        """Returns what keeps a state between steps beside the agent and the callbacks."""
        parts: dict[str, Any] = {"diagnostics": self.diagnostics, "best": self.best}
        estimator = find_consensus_reward(self.envs).estimator
        if hasattr(estimator, "state_dict"):
            parts["reward"] = estimator
        return parts

    def _finish(self) -> dict[str, Any]:
        """Writes the trained model and the summary."""
        replace_folder(self.folder / "checkpoint", self.policy.save)
        votes = self.evaluations.turned(self.folder)
        summary = summarize_run(self.config, self.state, self.best, len(self.benchmark), votes)
        write_atomically(self.folder / SUMMARY, json.dumps(summary, indent=2) + "\n")
        return summary


def _with_monitor(config: TrainConfig, callbacks: Sequence[Callback]) -> list[Callback]:
    """Returns the callbacks of a run, the one that watches for a collapse first."""
    if config.on_collapse == "ignore":
        return list(callbacks)
    if any(isinstance(each, CollapseMonitor) for each in callbacks):
        raise AgentError(
            f"With --on-collapse {config.on_collapse} a run has a CollapseMonitor already. To "
            "give one of your own, set on_collapse to ignore."
        )
    return [CollapseMonitor(config.on_collapse), *callbacks]
