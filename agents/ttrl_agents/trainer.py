"""The training loop: sample, vote, learn.

- `Trainer`: one run, from its options to its results.
- `resume_config`: the options of a run that is to go on.

The loop itself is `Trainer._step`; the rest is what surrounds it: measuring before and after,
checkpoints, and stopping in good order.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from ttrl_agents.agent import Agent, ResumableAgent
from ttrl_agents.callbacks.base import Callback
from ttrl_agents.callbacks.collapse import Alarm, CollapseMonitor
from ttrl_agents.config.train_config import TrainConfig, read_config
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate import Evaluation, EvaluationFolder, evaluate, labelled
from ttrl_agents.evaluate.fingerprint import evaluation_settings, weights_digest
from ttrl_agents.instruments.sampler_agreement import default_tolerance, measure_agreement
from ttrl_agents.instruments.start_divergence import make_start_divergence
from ttrl_agents.instruments.vote_metrics import vote_metrics
from ttrl_agents.learning.policy_gradient import make_agent
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.policy.lora import load_run_policy
from ttrl_agents.policy.policy import Policy
from ttrl_agents.rollout import Rollout
from ttrl_agents.run.best_checkpoint import BestCheckpoint
from ttrl_agents.run.checkpoint import (
    BEST,
    TrainerState,
    check_same_options,
    latest_state,
    load_state,
    replace_folder,
    save_state,
    verify_state,
    write_atomically,
)
from ttrl_agents.run.env_questions import held_out_split, questions_of
from ttrl_agents.samplers import Sampler, SamplingParams, make_sampler
from ttrl_agents.seeds import Stream, derive_seed
from ttrl_benchmarks import Benchmark
from ttrl_benchmarks.digest import prompts_digest
from ttrl_env.completion import Completion
from ttrl_env.consensus import Diagnostics, reward_needs
from ttrl_env.registration import check_env_id
from ttrl_env.wrappers import LabelMetrics, finished_info
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
        callbacks: Who watches.
        resume: Whether to go on with the run in `config.output`.
        agent: Makes the agent from the policy, the options and the sampler; by default the
            package's own. One that keeps an optimizer should be a `ResumableAgent`.

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
    ) -> None:
        check_env_id(config.env)
        _check_reward(config)
        self.folder = _run_folder(config, resume=resume)
        self.config = replace(config, output=self.folder)
        watch = config.on_collapse != "ignore"
        if watch and any(isinstance(each, CollapseMonitor) for each in callbacks):
            raise AgentError(
                f"With --on-collapse {config.on_collapse} a run has a CollapseMonitor already. To "
                "give one of your own, set on_collapse to ignore."
            )
        self.callbacks = [*([CollapseMonitor(config.on_collapse)] if watch else []), *callbacks]
        self.stopping = False
        self.state = TrainerState()
        self.state_path = latest_state(self.folder / "checkpoints") if resume else None
        if self.state_path is not None:
            verify_state(self.state_path)
            self._saved_tensors, self.state = load_state(self.state_path)
            check_same_options(self.state_path, self.state, self.config)
        self.benchmark, self.held_out = _load_questions(config)
        saved = None if self.state_path is None else self.state_path / "model"
        self.policy = load_run_policy(config, saved)
        self.left_out = 0
        if config.max_prompt_tokens is not None:
            self.benchmark = self._without_long_prompts(self.benchmark, config.max_prompt_tokens)
        self._check_same_questions()
        self.sampler = make_sampler(self.policy, self.config)
        self.agent = agent(self.policy, self.config, self.sampler)
        self.envs = self._make_envs()
        self.diagnostics = Diagnostics(config.n_votes, self.benchmark.answer_format)
        self.divergence = make_start_divergence(self.policy, config)
        self.best = BestCheckpoint(config.best_by)
        self._log_probs = LogProbs(self.policy) if self.sampler.copies_weights else None
        self._moved = False  # whether the policy has, since the sampler took over its weights

    def request_stop(self) -> None:
        """Stops the run, saved, at the end of the step that is under way."""
        self.stopping = True

    def raise_alarm(self, alarm: Alarm, *, stop: bool = False) -> None:
        """Takes note of an alarm and tells everyone who watches.

        Args:
            alarm: What was seen. No later checkpoint becomes the best one.
            stop: Whether to end the training after this step and go back to the best checkpoint.
        """
        self.state.alarms.append(alarm.to_dict())
        self.state.stopped |= stop
        self._tell("on_alarm", alarm)

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
        write_atomically(
            self.folder / "config.json", json.dumps(self.config.to_dict(), indent=2) + "\n"
        )
        if self.state_path is not None:
            self._restore()
        _trim_metrics(self.folder / "metrics.jsonl", self.state.step)
        self._tell("on_start", self)
        if self.state_path is None:
            if self.config.evaluate:
                self._tell("on_phase", "measuring the start")
                self._evaluate("before")
            self._save_if_best()
            self._save()
        self._tell("on_phase", "training")
        self._train()
        if self.state.stopped:
            self._go_back()
        if self.config.evaluate and "after" not in self.state.evaluations:
            self._tell("on_phase", "measuring the end")
            self._evaluate("after")
        summary = self._finish()
        self._tell("on_end", summary)
        return summary

    def _train(self) -> None:
        config = self.config
        observations, _ = self.envs.reset(
            seed=config.seed,
            options={"position": self.state.step * config.questions_per_step},
        )
        while self.state.step < config.steps and not self.state.stopped:
            name = f"step {self.state.step}"
            due = config.eval_every and self.state.step and self.state.step % config.eval_every == 0
            if due and name not in self.state.evaluations:
                with self._saved_where_sampling_fails():
                    self._evaluate(name)
            began = time.monotonic()
            observations, metrics = self._step(observations)
            self.state.step += 1
            seconds = time.monotonic() - began
            self.state.seconds += seconds
            metrics |= {
                "seconds": seconds,
                "tokens_per_second": metrics["tokens"] / seconds,
            }
            _append(self.folder / "metrics.jsonl", {"step": self.state.step, **metrics})
            self.best.observe(metrics)
            self._tell("on_step", self.state.step, metrics)
            last = self.state.step == config.steps or self.state.stopped
            due = last or self.state.step % config.checkpoint_every == 0
            if due:
                self._save_if_best()
            if due or self.stopping:
                self._save()
            if self.stopping and not last:
                raise Interrupted(self.folder, self.state.step)

    def _step(self, observations: Sequence[str]) -> tuple[Sequence[str], Metrics]:
        """One step of TTRL: sample, vote, learn."""
        with self._saved_where_sampling_fails():
            self._sync_sampler()
            completions = self.agent.act(
                observations, self.state.step, lambda count: self._tell("on_tokens", count)
            )
            agreement = self._check_agreement(observations, completions)
        next_observations, rewards, _, _, infos = self.envs.step(completions)
        votes = finished_info(infos)
        rollout = Rollout(
            prompts=observations,
            completions=completions,
            rewards=rewards,
            abstained=votes["abstained"],
            group_size=self.config.n_votes,
            step=self.state.step,
            advantages=np.where(votes["_advantage"], votes["advantage"], np.nan),
            weights=votes["advantage_weight"],
        )
        self._tell("on_rollout", self.state.step + 1, rollout, votes)
        metrics = vote_metrics(rollout, votes, self.diagnostics)
        if self.divergence is not None:
            metrics |= self.divergence.measure(rollout)
        metrics |= self.agent.learn(rollout)
        self._moved = True
        return next_observations, metrics | agreement | self.sampler.metrics()

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

    def _sync_sampler(self) -> None:
        # Before the next draw and not after the update: where it fails, the step before is whole.
        if self._moved:
            self.sampler.sync()
            self._moved = False

    def _check_agreement(
        self, prompts: Sequence[str], completions: Sequence[Completion]
    ) -> Metrics:
        """Holds a sampler with its own copy of the weights to the policy.

        Raises:
            AgentError: Their log-probabilities differ by more than arithmetic explains.
        """
        if self._log_probs is None:
            return {}
        config = self.config
        found = measure_agreement(self._log_probs, prompts, completions, config.temperature)
        allowed = config.log_prob_tolerance or default_tolerance(self.policy.device)
        if not found.mean <= allowed:
            raise AgentError(
                f"In step {self.state.step + 1} the log-probabilities of --sampler "
                f"{config.sampler} differ from the policy's by {found.mean:.3g} nats a token in "
                f"the mean ({found.largest:.3g} at most, over {found.tokens} tokens); "
                f"{allowed:g} is allowed. It samples from other weights, or computes otherwise, "
                "so nothing was learned from it. If this difference is expected, raise "
                "--log-prob-tolerance."
            )
        return {"sampler_gap": found.mean, "sampler_gap_max": found.largest}

    def _evaluate(self, name: str) -> None:
        """Measures the trained and the held-out questions."""
        self._sync_sampler()
        config, index = self.config, self.state.step
        params = self._evaluation_params()
        seed = derive_seed(config.seed, Stream.EVALUATION, index)
        measured = (
            ("train", config.env, self.benchmark),
            ("held_out", config.held_out_env or config.env, self.held_out),
        )
        results: dict[str, Any] = {}
        for split, env, benchmark in measured:
            result: Evaluation | None = None
            if benchmark is not None:
                result = evaluate(
                    self.sampler,
                    benchmark,
                    k=config.eval_votes,
                    params=params,
                    seed=seed,
                    progress=lambda count: self._tell("on_tokens", count),
                    stop=lambda: self.stopping,
                )
            if self.stopping:
                if self.state.step:
                    self._save()
                raise Interrupted(self.folder, self.state.step)
            if benchmark is not None and result is not None and name in ("before", "after"):
                settings = evaluation_settings(
                    model=self.policy.name,
                    weights=weights_digest(self.policy),
                    env=env,
                    benchmark=benchmark,
                    questions=labelled(benchmark),
                    k=config.eval_votes,
                    params=params,
                    seed=seed,
                )
                EvaluationFolder.write(self.folder / "evaluations" / name / split, settings, result)
            results[split] = None if result is None else result.to_dict()
        self.state.evaluations[name] = results
        self._tell("on_evaluation", name, results)

    def _save(self) -> None:
        tensors = self.agent.tensors() if isinstance(self.agent, ResumableAgent) else {}
        states = {name: part.state_dict() for name, part in self._parts().items()}
        self.state.parts = {name: state for name, state in states.items() if state}
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
        self._moved = True

    def _restore(self) -> None:
        if isinstance(self.agent, ResumableAgent):
            self.agent.restore(self._saved_tensors)
        self._saved_tensors = {}
        for name, part in self._parts().items():
            if name in self.state.parts:
                part.load_state_dict(self.state.parts[name])
        self._moved = True

    def _parts(self) -> dict[str, Any]:
        """What keeps a state between steps: instruments, callbacks, a reward that has one."""
        parts: dict[str, Any] = {type(each).__name__: each for each in self.callbacks}
        parts |= {"diagnostics": self.diagnostics, "best": self.best}
        estimator = find_consensus_reward(self.envs).estimator
        if hasattr(estimator, "state_dict"):
            parts["reward"] = estimator
        return parts

    def _finish(self) -> dict[str, Any]:
        """Writes the trained model and the summary."""
        config = self.config
        replace_folder(self.folder / "checkpoint", self.policy.save)
        evaluations = self.state.evaluations
        nothing = {"train": None, "held_out": None}
        summary: dict[str, Any] = {
            "env_id": config.env,
            "model": config.model,
            "reward": config.reward,
            "seed": config.seed,
            "steps": self.state.step,
            "seconds": round(self.state.seconds, 2),
            "before": evaluations.get("before", nothing),
            "after": evaluations.get("after", nothing),
            "during": {k: v for k, v in evaluations.items() if k not in ("before", "after")},
            "questions": len(self.benchmark),
            "checkpoint": "checkpoint",
            "checkpoint_step": self.best.step if self.state.stopped else self.state.step,
            "best": {"checkpoint": f"checkpoints/{BEST}/model", **self.best.to_dict()},
            "alarms": self.state.alarms,
            "stopped": self.state.stopped,
        }
        write_atomically(self.folder / "summary.json", json.dumps(summary, indent=2) + "\n")
        return summary

    def _evaluation_params(self) -> SamplingParams:
        config = self.config
        given = config.eval_temperature
        temperature = config.temperature if given is None else given
        return SamplingParams(
            config.max_tokens, temperature, config.eval_top_p, stop_at_box=config.stop_at_box
        )

    def _without_long_prompts(self, benchmark: Benchmark, limit: int) -> Benchmark:
        prompts = [benchmark.prompt(question) for question in benchmark.questions]
        lengths = [len(ids) for ids in self.policy.encode_prompts(prompts)]
        fit = {
            question.id
            for question, length in zip(benchmark.questions, lengths, strict=True)
            if length <= limit
        }
        if not fit:
            raise AgentError(
                f"--max-prompt-tokens {limit} leaves no question: the shortest prompt has "
                f"{min(lengths)} tokens."
            )
        self.left_out = len(benchmark) - len(fit)
        return benchmark.filter(lambda question: question.id in fit)

    def _check_same_questions(self) -> None:
        """Notes the questions of a new run, and holds a resumed one to those it began with."""
        digest = prompts_digest(self.benchmark)
        if self.state_path is not None and self.state.questions != digest:
            raise AgentError(
                f"Checkpoint {self.state_path} was trained on other questions than those that "
                f"{self.config.env} asks now. Bring the file of questions back, or begin another "
                "run."
            )
        self.state.questions = digest

    def _make_envs(self) -> VectorEnv[Any, Any, Any]:
        config = self.config
        envs = gym.make_vec(
            config.env,
            num_envs=config.questions_per_step * config.n_votes,
            group_size=config.n_votes,
            reward=config.reward,
            rephrase=config.rephrase,
            benchmark=self.benchmark,
        )
        return LabelMetrics(envs)

    def _tell(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(*arguments)


def resume_config(folder: Path) -> TrainConfig:
    """Returns the options of a run that is to go on.

    Raises:
        AgentError: The folder holds no run.
    """
    path = folder / "config.json"
    if not path.exists():
        raise AgentError(f"There is no run in {folder}: it has no config.json.")
    return replace(read_config(path), output=folder)


def _check_reward(config: TrainConfig) -> None:
    """Refuses a reward that cannot be had, before anything is loaded."""
    if "two prompts" not in reward_needs(config.reward) and config.rephrase is None:
        return
    if config.rephrase is None:
        raise AgentError(
            f"--reward {config.reward} compares two wordings of each question; say which with "
            "--rephrase arithmetic, or a JSON file of paraphrases by question."
        )
    if config.n_votes % 2:
        raise AgentError(
            f"--rephrase shows each wording to half of the votes, so --n-votes must be even, not "
            f"{config.n_votes}."
        )
    if config.n_train is not None:
        raise AgentError("--rephrase trains on both halves of the votes; leave out --n-train.")


def _run_folder(config: TrainConfig, *, resume: bool) -> Path:
    if config.output is None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        name = config.env.removesuffix("-v0").removeprefix("TTRL-").lower()
        reward = re.sub(r"[^\w.=]+", "-", config.reward).strip("-")[:60]
        folder = base = Path("runs") / f"{name}-{reward}-seed{config.seed}-{stamp}"
        count = 1
        while folder.exists():
            count += 1
            folder = base.with_name(f"{base.name}-{count}")
        return folder
    if config.output.exists() and not config.output.is_dir():
        raise AgentError(f"--output {config.output} is a file; name a folder.")
    # A run that was killed while it wrote its very first file has left nothing but that.
    something = config.output.is_dir() and any(
        each.name != ".config.json.tmp" for each in config.output.iterdir()
    )
    if something and not resume:
        raise AgentError(
            f"--output {config.output} is not empty. Name a new folder, or go on with the run in "
            f"it: ttrl train --resume {config.output}"
        )
    return config.output


def _load_questions(config: TrainConfig) -> tuple[Benchmark, Benchmark | None]:
    """The questions to train on, and those to measure transfer on."""
    options = dict(config.env_options)
    if config.instruction is not None and "instruction" in options:
        raise AgentError("instruction is given twice; leave it out of --env-options.")
    benchmark = _instructed(
        questions_of(config.env, data=config.data, options=options), config.instruction
    )
    if config.held_out_env is not None:
        held_out = questions_of(config.held_out_env, data=config.held_out_data)
        return benchmark, _instructed(held_out, config.instruction)
    split = held_out_split(config.env)
    if split is not None and options.get("split") != split:
        options["split"] = split
        held_out = questions_of(config.env, data=config.data, options=options)
        return benchmark, _instructed(held_out, config.instruction)
    if config.held_out == 0:
        return benchmark, None
    held_out, train = benchmark.split(config.held_out, derive_seed(config.seed, Stream.SPLIT))
    return train, held_out


def _instructed(benchmark: Benchmark, instruction: str | None) -> Benchmark:
    return benchmark if instruction is None else replace(benchmark, instruction=instruction)


def _append(path: Path, line: dict[str, Any]) -> None:
    # NaN and infinity are no JSON: a step without gradient has no entropy, a skipped one no loss.
    clean = {key: value if math.isfinite(value) else None for key, value in line.items()}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(clean) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _trim_metrics(path: Path, steps: int) -> None:
    """Drops the lines of steps that come after the checkpoint, a torn last line included."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    write_atomically(path, "".join(line + "\n" for line in lines[:steps]))
