"""The run of one evaluation, from its options to its files.

- `EvaluationRun`: loads the model and the questions, resumes, saves.
- `EvaluationWatcher`: its progress events.
- `new_folder`: makes a folder for an evaluation.
- `evaluation_config`: the options of an evaluation that is resumed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.distributed.sampling import divide_sampling
from ttrl_agents.distributed.world import world
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.ask import ask, look_at_first, spread
from ttrl_agents.evaluate.evaluation import Evaluation
from ttrl_agents.evaluate.fingerprint import evaluation_settings
from ttrl_agents.evaluate.folder import EvaluationFolder
from ttrl_agents.evaluate.models import LocalModel, find_model
from ttrl_agents.evaluate.results import from_lines, to_lines
from ttrl_agents.evaluate.run_prompt import with_prompt_of_run
from ttrl_agents.policy.checks import check_policy
from ttrl_agents.policy.policy import Policy
from ttrl_agents.policy.prompts import check_room, encode_questions
from ttrl_agents.run.atomic import claim_folder
from ttrl_agents.run.env_questions import asked_questions, without_long_prompts
from ttrl_agents.run.folder import default_folder
from ttrl_agents.run.health import check_weights, ran_out_of_memory
from ttrl_agents.samplers import SamplingParams
from ttrl_benchmarks import Benchmark, Question
from ttrl_env.locks import FolderLock

__all__ = ["EvaluationRun", "EvaluationWatcher", "evaluation_config", "new_folder"]

_COMPLETIONS_AT_ONCE = 256


class EvaluationWatcher(Protocol):
    """Watches an evaluation."""

    def on_tokens(self, count: int) -> None:
        """More tokens have been sampled; `count` is how many."""
        ...

    def on_questions(self, done: int) -> None:
        """More questions are answered; those of an earlier process count too."""
        ...


class EvaluationRun:
    """One evaluation.

    Args:
        config: The options.

    Raises:
        AgentError: Something the user can fix; the message says how.
    """

    def __init__(self, config: EvalConfig) -> None:
        self.config = config = with_prompt_of_run(config)
        folder, self.lock = _lock(config)  # before a large model is loaded in vain
        self.folder = EvaluationFolder(folder)
        try:
            self._set_up(config)
        except BaseException:
            if self.lock is not None:
                self.lock.release()
            raise

    def _set_up(self, config: EvalConfig) -> None:
        world().lead(self.folder.check_usable)
        self.benchmark = asked_questions(config, split=config.split)
        self.model = find_model(config)
        policy = self.model.policy if isinstance(self.model, LocalModel) else None
        whole = self.benchmark
        if policy is not None:
            check_weights(policy.model, f"of model {self.model.name!r}")
            check_policy(policy)
            self.config = config = _with_date(config, policy, self.folder)
            if config.max_prompt_tokens is not None:
                self.benchmark = without_long_prompts(whole, policy, config.max_prompt_tokens)
        self.left_out = len(whole) - len(self.benchmark)
        self.questions = _chosen(self.benchmark, config)
        self.params = self._params()
        if policy is not None:
            lengths = encode_questions(policy, self.benchmark, self.questions).lengths
            check_room(policy, self.questions, lengths, self.params.max_tokens)
        settings = evaluation_settings(
            model=self.model.name,
            weights=self.model.weights,
            env=config.env,
            benchmark=self.benchmark,
            questions=self.questions,
            k=config.votes,
            params=self.params,
            seed=config.seed,
            policy=policy,
        )
        self.settings = {**settings, "options": replace(config, output=None).to_dict()}
        at_once = _COMPLETIONS_AT_ONCE * world().size
        self.portion = config.portion or max(1, at_once // config.votes)
        ids = [question.id for question in self.questions]
        portions = [ids[start : start + self.portion] for start in range(0, len(ids), self.portion)]
        found = world().lead(
            lambda: list(map(to_lines, self.folder.begin(self.settings, portions)))
        )
        lines = (line for each in found for line in each.split("\n") if line)
        self.results = list(from_lines(lines))

    def run(self, watcher: EvaluationWatcher) -> tuple[Evaluation, dict[str, Any]]:
        """Asks the questions that are missing; returns the evaluation and its summary."""
        with self.lock or contextlib.nullcontext():
            return self._run(watcher)

    def _run(self, watcher: EvaluationWatcher) -> tuple[Evaluation, dict[str, Any]]:
        watcher.on_questions(len(self.results))
        if len(self.results) < len(self.questions):
            self._ask(self.questions[len(self.results) :], watcher)
        evaluation = Evaluation(tuple(self.results))
        return evaluation, world().lead(lambda: self.folder.finish(evaluation))

    def _ask(self, questions: Sequence[Question], watcher: EvaluationWatcher) -> None:
        """Samples, grades and saves, portion by portion."""
        before = len(self.results)
        prompts = [self.benchmark.prompt(question) for question in questions]
        look = look_at_first(self.model.name, self.benchmark, self.params)
        log = self.folder.path / "engine.log"
        sampler = divide_sampling(self.model.start(prompts, self.params, log))
        try:
            for portion in ask(
                sampler,
                self.benchmark,
                questions,
                k=self.config.votes,
                params=self.params,
                seed=self.config.seed,
                portion=self.portion,
                progress=watcher.on_tokens,
                answered=lambda done: watcher.on_questions(before + done),
            ):
                if not self.results and world().leads:
                    look(portion)
                world().lead(partial(self.folder.append, portion))
                self.results += portion
                watcher.on_questions(len(self.results))
        except (MemoryError, RuntimeError) as error:
            if not ran_out_of_memory(error):
                raise
            rows = max(1, (self.config.sample_rows or _COMPLETIONS_AT_ONCE) // 2)
            raise AgentError(
                f"There was no memory left to sample. To take less: begin anew with --sample-rows "
                f"{rows}, which samples fewer completions at once."
            ) from error
        finally:
            sampler.close()

    def _params(self) -> SamplingParams:
        # Of the whole benchmark, so that a part of it is measured with the same limit.
        prompts = [self.benchmark.prompt(question) for question in self.benchmark.questions]
        temperature = 0.0 if self.config.greedy else self.config.temperature
        return SamplingParams(
            self.config.max_tokens or self.model.max_tokens(prompts),
            temperature,
            1.0 if temperature == 0 else self.config.top_p,
            stop_at_box=self.config.stop_at_box,
        )


def evaluation_config(folder: Path) -> EvalConfig:
    """Returns the options of an evaluation that is resumed.

    Raises:
        AgentError: The folder does not hold an evaluation.
    """
    config = EvaluationFolder(folder).config()
    if "options" not in config:
        raise AgentError(f"The evaluation in {folder} was part of a training run; resume that.")
    return replace(EvalConfig.from_dict(config["options"]), output=folder)


def _chosen(benchmark: Benchmark, config: EvalConfig) -> Sequence[Question]:
    questions: Sequence[Question] = benchmark.questions
    if config.levels:
        there = {question.level for question in questions}
        for level in config.levels:
            if level not in there:
                benchmark.filter(level=level)  # raises, naming the levels that there are
        questions = [question for question in questions if question.level in config.levels]
    return spread(questions, config.limit)


def _with_date(config: EvalConfig, policy: Policy, folder: EvaluationFolder) -> EvalConfig:
    """Returns the options with the date that the chat template gets, if it asks for one."""
    if not policy.template.tells_date:
        return config

    def date_of() -> str:
        kept = config.template_date
        if kept is None and folder.config_path.is_file():
            kept = folder.config().get("options", {}).get("template_date")
        return kept or date.today().isoformat()

    kept = world().lead(date_of)
    policy.template.set_date(kept)
    policy.forget_prompts()
    return replace(config, template_date=kept)


def new_folder(config: EvalConfig) -> Path:
    """Makes a new folder for an evaluation whose options name none."""
    model = Path(config.model.rstrip("/")).name.strip("-") or "model"
    return claim_folder(default_folder(config.env, model, config.seed, prefix="eval-"))


def _lock(config: EvalConfig) -> tuple[Path, FolderLock | None]:
    """Locks the folder of an evaluation; if the options name none, a new one is made.

    Returns:
        The folder, and on the rank that writes the lock.
    """
    locks: list[FolderLock] = []

    def take() -> str:
        if config.output is not None:
            EvaluationFolder(config.output).check_usable()
            locks.append(FolderLock(config.output))
        else:
            locks.append(FolderLock(new_folder(config), new=True))
        return str(locks[0].folder)

    folder = Path(world().lead(take))
    return folder, locks[0] if locks else None
