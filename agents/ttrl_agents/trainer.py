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
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import torch

from ttrl_agents.agent import Agent, ResumableAgent
from ttrl_agents.callbacks.base import Callback, CallbackList
from ttrl_agents.callbacks.collapse import is_drifting, look_back, with_monitor
from ttrl_agents.callbacks.first_completions import FirstCompletions
from ttrl_agents.callbacks.votes import VotesCallback
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.distributed.failures import DesertedError, LostRankError
from ttrl_agents.distributed.replicas import check_replicas
from ttrl_agents.distributed.sampling import divide_sampling
from ttrl_agents.distributed.world import world
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.fingerprint import weights_digest
from ttrl_agents.evaluate.moments import AFTER, BEFORE, RunEvaluations
from ttrl_agents.instruments.collapse import Alarm
from ttrl_agents.instruments.sampler_agreement import SamplerCheck, SamplerDisagreesError
from ttrl_agents.instruments.start_divergence import make_start_divergence
from ttrl_agents.instruments.vote_metrics import vote_metrics
from ttrl_agents.learning.advantages.assign import check_advantages
from ttrl_agents.learning.pieces import check_pieces
from ttrl_agents.learning.policy_gradient import make_agent
from ttrl_agents.memory.run import out_of_memory_advice, plan_run
from ttrl_agents.policy.checks import check_policy
from ttrl_agents.policy.divided import copy_weights, load_policy_of_run
from ttrl_agents.policy.policy import Policy
from ttrl_agents.rollout import Rollout
from ttrl_agents.run.best_checkpoint import BEST, BestCheckpoint, forget_candidates, keep_best
from ttrl_agents.run.checkpoint import (
    TrainerState,
    check_same_options,
    keep_newest,
    latest_state,
    load_agent,
    load_state,
    restore_parts,
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
    lock_output,
    resume_config,
    trim_steps,
)
from ttrl_agents.run.folders_of_ranks import replace_folder_together
from ttrl_agents.run.health import Health, check_learned, check_weights, ran_out_of_memory
from ttrl_agents.run.interrupted import Interrupted
from ttrl_agents.run.provenance import note_start
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

_CHECK_EVERY = 10  # steps between two looks at whether the weights are finite


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
        AgentError: An error that the user can fix: an unknown name, a missing file, a folder
            that holds another run.
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
        self.folder, self._lock = lock_output(config, resume=resume)
        try:
            self._set_up(config, callbacks, resume, agent, sampler)
        except BaseException:
            self._unlock()
            raise

    def _set_up(
        self,
        config: TrainConfig,
        callbacks: Sequence[Callback],
        resume: bool,
        agent: Callable[[Policy, TrainConfig, Sampler], Agent],
        sampler: Callable[[Policy, TrainConfig], Sampler],
    ) -> None:
        watching = [VotesCallback(), FirstCompletions(), *with_monitor(config, callbacks)]
        self.callbacks = CallbackList(each for each in watching if world().leads or each.everywhere)
        self.stopping = False
        self._load_checkpoint(config, resume=resume)
        config, self.plan = plan_run(config)
        config = TrainConfig.from_dict(world().broadcast(config.to_dict()))  # one plan for all
        self.benchmark, self.held_out = load_questions(config)
        saved = None if self.state_path is None else self.state_path / "model"
        self.policy = load_policy_of_run(config, saved)
        check_weights(self.policy.model, f"of model {self.policy.name!r}")
        check_policy(self.policy)
        config = fix_date(config, self.policy, self.state, self.state_path)
        asked = prepare_prompts(
            config, self.policy, self.benchmark, self.held_out, self.state, self.state_path
        )
        self.benchmark, self.held_out = asked.benchmark, asked.held_out
        self.left_out = asked.left_out
        self.state.questions, self.state.prompts = asked.questions, asked.prompts
        self.envs = make_environments(config, self.benchmark)
        check_advantages(config.resolve_algorithm(), find_consensus_reward(self.envs).estimator)
        self.config = config = replace(config, output=self.folder)
        self.sampler = divide_sampling(sampler(self.policy, config))
        self.agent = agent(self.policy, config, self.sampler)
        self.evaluations = RunEvaluations(
            config, self.policy, self.sampler, self.benchmark, self.held_out
        )
        self.diagnostics = Diagnostics(config.n_votes)
        self.health = Health()
        self.divergence = make_start_divergence(self.policy, config)
        self.best = BestCheckpoint(config.best_by, delay=look_back(self.callbacks))
        self._check = SamplerCheck(self.policy, config) if self.sampler.copies_weights else None
        compare = getattr(self.agent, "compare_with_sampler", None)
        if self._check is not None and compare is not None and compare(self._check):
            self._check = None  # the agent compares while it learns
        self._sampler_is_stale = False

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A Trainer owns its folder, so it cannot be copied or pickled. Make another from "
            "resume_config(folder), with resume=True, once this one has ended."
        )

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
            self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _run(self) -> dict[str, Any]:
        world().lead(self._write_options)
        if self.state_path is not None:
            self._restore()
        world().lead(partial(trim_steps, self.folder, self.state.step))
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

    def _write_options(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        options = json.dumps(self.config.to_dict(), indent=2)
        write_atomically(self.folder / CONFIG, options + "\n")
        note_start(self.folder)

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
                self._save_if_best(last=last)  # which checks the weights first
            elif self.state.step % _CHECK_EVERY == 0:
                check_learned(self.policy.model, self.folder, self.state.step)
            stopping = self._asked_to_stop()
            if due or stopping:
                self._save()
            if not last and (reason := self.health.verdict()) is not None:
                raise self._ended(reason)
            if stopping and not last:
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
        with self._told_how_to_go_on(), world().agreement(divided=self.policy.divided):
            metrics = self._measure(rollout, votes) | self.agent.learn(rollout)
        self._sampler_is_stale = True
        return next_prompts, metrics | agreement | self.sampler.metrics()

    def _sample(self, prompts: Sequence[str]) -> tuple[list[Completion], Metrics]:
        """Returns completions, and how well the sampler agrees with the policy."""
        step = self.state.step
        with self._saved_where_sampling_fails(), world().agreement():
            self._sync_sampler()
            completions = self.agent.act(prompts, step, self.callbacks.on_tokens)
            self.sampler.rest()
            if self._check is None:
                return completions, {}
            with world().agreement(divided=self.policy.divided):
                return completions, self._check.measure(step + 1, prompts, completions)

    def _measure(self, rollout: Rollout, votes: dict[str, Any]) -> Metrics:
        """Returns what there is to see of a rollout before the policy learns from it."""
        metrics = vote_metrics(rollout, votes, self.diagnostics)
        return metrics | (self.divergence.measure(rollout) if self.divergence else {})

    def _record(self, metrics: Metrics, seconds: float) -> None:
        """Counts a step that is done and writes its metrics."""
        metrics |= {"seconds": seconds, "tokens_per_second": metrics["tokens"] / seconds}
        if world().size > 1:  # the leader's, so that every rank decides alike
            metrics = world().broadcast(metrics | {"ranks": float(world().size)})
        self.state.step += 1
        self.state.seconds += metrics["seconds"]
        world().lead(partial(append_metrics, self.folder, self.state.step, metrics))
        self.best.observe(metrics)
        self.health.observe(metrics, self.envs.num_envs)
        self.callbacks.on_step(self.state.step, metrics)
        # The leader may have callbacks of its own.
        self.state.alarms = world().broadcast(self.state.alarms)
        self.state.stopped = world().broadcast(self.state.stopped)
        if self.state.alarms:
            self.best.close()

    @contextlib.contextmanager
    def _saved_where_sampling_fails(self) -> Iterator[None]:
        """Saves the run where the sampler fails for good: what was learned before is whole."""
        try:
            yield
        except (LostRankError, Interrupted):
            raise
        except AgentError as error:
            raise self._ended(str(error)) from error
        except Exception as error:
            if not ran_out_of_memory(error):
                self._save()  # whatever it is, it is not an update that was half made
                raise
            reason = f"There was no memory left to sample. {out_of_memory_advice(self.config)}"
            raise self._ended(reason, with_option=True) from error

    def _ended(self, reason: str, *, with_option: bool = False) -> AgentError:
        """Saves the run, and returns the error that says why it ends here."""
        self._save()
        return AgentError(
            f"{reason} The run ends; it is saved after step {self.state.step}. To go on: "
            f"ttrl train --resume {self.folder}" + (", with such an option" * with_option)
        )

    @contextlib.contextmanager
    def _told_how_to_go_on(self) -> Iterator[None]:
        """Says what is saved where an update cannot be made, and names the options that help."""
        try:
            yield
        except SamplerDisagreesError as error:
            raise AgentError(f"{error} {self._way_back()}.") from error
        except DesertedError as error:
            if ran_out_of_memory(error.__cause__ or error):
                raise DesertedError(f"{error} {out_of_memory_advice(self.config)}") from error
            raise
        except torch.OutOfMemoryError as error:
            raise AgentError(
                f"The GPU's memory ran out in the update of step {self.state.step + 1}. "
                f"{out_of_memory_advice(self.config)} {self._way_back()}, with such an option"
            ) from error

    def _way_back(self) -> str:
        # Some of the step may be learned already, so the last checkpoint is what is left.
        found = self._find_latest(self.folder / "checkpoints")
        where = f"It is saved in {found.name}" if found else "Nothing of it is saved yet"
        return f"The run ends. {where}. To go on: ttrl train --resume {self.folder}"

    def _sync_sampler(self) -> None:
        # Before the next draw and not after the update: where it fails, the step before is whole.
        if self._sampler_is_stale:
            self.sampler.sync()
            self._sampler_is_stale = False

    def _asked_to_stop(self) -> bool:
        """Returns whether the run was asked to stop, on any rank."""
        self.stopping = world().any(self.stopping)
        return self.stopping

    def _evaluate(self, name: str) -> None:
        """Evaluates the trained and the held-out questions."""
        self._sync_sampler()
        with world().agreement():
            results = self.evaluations.measure(
                name,
                self.state.step,
                self.folder,
                progress=self.callbacks.on_tokens,
                answered=self.callbacks.on_questions,
                stop=self._asked_to_stop,
            )
        if results is None:
            if self.state.step:
                self._save()
            raise Interrupted(self.folder, self.state.step)
        self.state.evaluations[name] = results
        self.callbacks.on_evaluation(name, results)

    def _save(self) -> None:
        check_learned(self.policy.model, self.folder, self.state.step)
        writes = world().leads or self.policy.divided
        agent = self.agent
        tensors = agent.tensors() if writes and isinstance(agent, ResumableAgent) else {}
        states = {name: part.state_dict() for name, part in self._parts().items()}
        parts = {name: state for name, state in states.items() if state}
        self.state.parts = self.callbacks.state_dict() | parts
        self.state.options = self.config.to_dict()
        self._check_replicas()
        save_state(
            self.folder / "checkpoints",
            self.policy,
            tensors,
            self.state,
            keep=self.config.keep_checkpoints,
        )
        forget_candidates(self.folder / "checkpoints", self.best)

    def _check_replicas(self) -> None:
        """Compares what every rank has computed for itself."""
        state = self.state
        progress = {"progress": [state.step, state.alarms, state.evaluations, state.questions]}
        if not self.policy.divided:  # else each rank has other weights
            progress["the policy's weights"] = [weights_digest(self.policy)]
        check_replicas(world(), state.step, state.parts | progress)

    def _save_if_best(self, *, last: bool = False) -> None:
        check_learned(self.policy.model, self.folder, self.state.step)
        keep_best(
            self.folder / "checkpoints",
            self.best,
            self.state.step,
            self._write_model,
            drifting=is_drifting(self.callbacks),
            last=last,
        )

    def _write_model(self, path: Path) -> None:
        replace_folder_together(
            path,
            lambda to: self.policy.save_for_resuming(to / "model"),
            everywhere=self.policy.divided,
        )

    def _go_back(self) -> None:
        """Takes up the weights of the best checkpoint."""
        path = self.folder / "checkpoints" / BEST / "model"
        copy_weights(load_policy_of_run(self.config, path), self.policy)
        self._sampler_is_stale = True

    def _load_checkpoint(self, config: TrainConfig, *, resume: bool) -> None:
        """Loads the newest checkpoint of a run that goes on."""
        self.state = TrainerState()
        self.state_path: Path | None = None
        if resume and config.output is not None:
            self.state_path = self._find_latest(config.output / "checkpoints")
        if self.state_path is not None:
            world().lead(partial(verify_state, self.state_path))
            self.state = load_state(self.state_path)
            check_same_options(self.state_path, self.state, config)

    @staticmethod
    def _find_latest(folder: Path) -> Path | None:
        """Returns the newest checkpoint; the leader tidies the folder and looks for all ranks."""
        found = world().lead(lambda: str(latest_state(folder) or ""))
        return Path(found) if found else None

    def _restore(self) -> None:
        """Puts back what the agent, the callbacks and the rest had when the checkpoint was made."""
        if isinstance(self.agent, ResumableAgent) and self.state_path is not None:
            self.agent.restore(load_agent(self.state_path, self.policy))
        # A run that was killed while it removed the oldest one has one too many.
        keep_newest(self.folder / "checkpoints", self.config.keep_checkpoints)
        restore_parts(self.state.parts, self.callbacks, self._parts(), self.folder)
        self._sampler_is_stale = True

    def _parts(self) -> dict[str, Any]:
        """Returns what keeps a state between steps beside the agent and the callbacks."""
        parts: dict[str, Any] = {
            "diagnostics": self.diagnostics,
            "best": self.best,
            "health": self.health,
        }
        estimator = find_consensus_reward(self.envs).estimator
        if hasattr(estimator, "state_dict"):
            parts["reward"] = estimator
        return parts

    def _finish(self) -> dict[str, Any]:
        """Writes the trained model and the summary."""
        replace_folder_together(
            self.folder / "checkpoint", self.policy.save, everywhere=self.policy.divided
        )
        votes = world().lead(lambda: self.evaluations.turned(self.folder))
        summary = summarize_run(self.config, self.state, self.best, len(self.benchmark), votes)
        text = json.dumps(summary, indent=2) + "\n"
        world().lead(partial(write_atomically, self.folder / SUMMARY, text))
        return summary
