"""The runs of a measurement: each is trained once, resumed where it was cut off, and then read.

- `train_all`: trains those that are not complete, several at a time, and evaluates what they left.
- `Silent`: watches an evaluation without a word.
- `read_summary`: what a run says of itself.
- `initial_weights`: which weights runs began with, so that stale results are found out.
- `command_with`: the command line that makes a table.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ttrl_agents.config import TrainConfig
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.evaluate import EvaluationFolder


def train_all(
    configs: Sequence[TrainConfig],
    jobs: int,
    console: Console,
    *,
    first: Sequence[EvalConfig] = (),
    then: Sequence[Sequence[EvalConfig]] | None = None,
) -> None:
    """Trains every run that is not complete, each in a process of one thread.

    Args:
        configs: The runs.
        jobs: Runs at a time.
        console: Where the progress is shown.
        first: Evaluations that no run is needed for.
        then: For each run the evaluations of what it left, made by the process that trained it.
    """
    after = [()] * len(configs) if then is None else then
    os.environ["OMP_NUM_THREADS"] = "1"  # for the processes to come
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    spawn = multiprocessing.get_context("spawn")  # torch does not survive a fork
    with (
        Progress(*columns, console=console) as progress,
        ProcessPoolExecutor(jobs, mp_context=spawn) as pool,
    ):
        task = progress.add_task("steps", total=sum(config.steps for config in configs))
        waiting: set[Future[None]] = {pool.submit(_measure_once, each) for each in first}
        waiting |= {
            pool.submit(_train_once, config, tuple(evaluations))
            for config, evaluations in zip(configs, after, strict=True)
        }
        while waiting:
            done, waiting = wait(waiting, timeout=1)
            for each in done:
                each.result()
            progress.update(task, completed=sum(map(_steps_done, configs)))


def read_summary(config: TrainConfig) -> dict[str, Any]:
    """Returns the summary of a complete run."""
    summary: dict[str, Any] = json.loads((_folder(config) / "summary.json").read_text())
    return summary


def initial_weights(configs: Sequence[TrainConfig]) -> str:
    """Returns the fingerprint of the weights that all runs began with.

    Raises:
        ValueError: They did not begin with the same: some are of an older checkpoint.
    """
    folders = [_folder(config) / "evaluations" / "before" / "train" for config in configs]
    found = {str(EvaluationFolder(folder).config()["weights"]) for folder in folders}
    if len(found) != 1:
        raise ValueError(
            f"the runs began with different weights ({', '.join(sorted(found))}); name a new "
            "--output to train them again"
        )
    return found.pop()


def command_with(command: str, seeds: Sequence[int], default: Sequence[int]) -> str:
    """Returns the command that makes a table, with its seeds where they are not the default."""
    return command if seeds == default else f"{command} --seeds {' '.join(map(str, seeds))}"


def _train_once(config: TrainConfig, evaluations: tuple[EvalConfig, ...]) -> None:
    import torch

    from ttrl_agents.trainer import Trainer, resume_config

    torch.set_num_threads(1)
    folder = _folder(config)
    if not (folder / "summary.json").is_file():
        begun = (folder / "config.json").is_file()
        Trainer(resume_config(folder) if begun else config, resume=begun).run()
    for each in evaluations:
        _measure_once(each)


def _measure_once(config: EvalConfig) -> None:
    import torch

    from ttrl_agents.evaluate.runner import EvaluationRun

    torch.set_num_threads(1)
    assert config.output is not None
    if not EvaluationFolder(config.output).complete:
        EvaluationRun(config).run(Silent())


class Silent:
    """Watches an evaluation without a word."""

    def on_tokens(self, count: int) -> None:
        """More tokens have been sampled."""

    def on_questions(self, done: int) -> None:
        """More questions are done."""


def _steps_done(config: TrainConfig) -> int:
    path = _folder(config) / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def _folder(config: TrainConfig) -> Path:
    assert config.output is not None
    return config.output
