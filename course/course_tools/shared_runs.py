"""The training runs of the lessons, each trained once and kept in `output/runs`.

- `trained`: the folder of a run, which is trained if it is not there yet.
- `metrics_of`: the metrics of every step of a run.
- `measured`: how a run, or a model, answers questions.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from course_tools.pictures import output_folder

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import torch

from ttrl_agents.callbacks import Callback, CurvesCallback, ReportCallback
from ttrl_agents.config import TrainConfig
from ttrl_agents.evaluate import Evaluation, evaluate
from ttrl_agents.policy import load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.trainer import Trainer, resume_config
from ttrl_benchmarks import Benchmark

__all__ = ["measured", "metrics_of", "trained"]

MAX_TOKENS = 128  # the longest right solutions have about 60


def trained(name: str, **options: Any) -> Path:
    """Returns the folder of a run, which is trained first if it is not complete.

    Args:
        name: The name of its folder.
        **options: Those of `TrainConfig`. A run that was made with other options is made anew.
    """
    folder = output_folder() / "runs" / name
    config = TrainConfig(**{"max_tokens": MAX_TOKENS, **options}, output=folder)
    if _is_complete(folder, config, options):
        print(f"run {name}: is in {folder}")
        return folder
    torch.set_num_threads(1)  # the same numbers on every laptop, and no slower with a tiny model
    print(f"run {name}: {config.steps} steps", end="", flush=True)
    # Under another name until it is complete: it may be stopped, or trained by another lesson too.
    unfinished = folder.with_name(f".{name}-{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    Trainer(replace(config, output=unfinished), [_Dots(), CurvesCallback(), ReportCallback()]).run()
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    print(f" {folder}")
    return folder


def metrics_of(folder: Path) -> dict[str, np.ndarray]:
    """Returns the metrics of a run by name, each with one value a step; NaN where there is none."""
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    names = dict.fromkeys(name for row in rows for name in row)
    missing = float("nan")
    return {
        name: np.array([missing if (value := row.get(name)) is None else value for row in rows])
        for name in names
    }


def measured(
    model: str | Path,
    questions: Benchmark,
    *,
    k: int = 16,
    temperature: float = 0.6,
    top_p: float = 0.95,
    seed: int = 0,
) -> Evaluation:
    """Returns how a model answers questions; temperature 0 takes the likeliest token.

    Args:
        model: `"tiny"`, `"tiny-noisy"`, or the folder of a run.
        questions: The questions, with labels.
        k: Completions of each question.
        temperature: The sampling temperature.
        top_p: Only the likeliest tokens that together have this probability are drawn.
        seed: The seed of the sampling.
    """
    torch.set_num_threads(1)
    params = SamplingParams(MAX_TOKENS, temperature, 1.0 if temperature == 0 else top_p)
    sampler = TransformersSampler(load_policy(str(model), device="cpu"))
    result = evaluate(sampler, questions, k=k, params=params, seed=seed)
    if result is None:
        raise ValueError("none of the questions has a label")
    return result


class _Dots(Callback):
    """Prints a dot every five steps."""

    def on_step(self, step: int, metrics: dict[str, float]) -> None:
        """Prints a dot."""
        del metrics
        if step % 5 == 0:
            print(".", end="", flush=True)


def _is_complete(folder: Path, config: TrainConfig, options: dict[str, Any]) -> bool:
    if not (folder / "summary.json").is_file():
        return False
    saved = resume_config(folder)
    return all(getattr(saved, name) == getattr(config, name) for name in options)
