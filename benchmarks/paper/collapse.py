"""Collapse on purpose: does the monitor see it, how early, and is it silent on healthy runs?

Trains the tiny reasoner with the default options (`healthy`), at five times the rate (`rate`), and
with half the votes at three times the rate (`votes`), and prints for each run when mean@16,
averaged over ten steps, fell under that of the untrained model, and when the first alarm was
raised. Labels only say when it fell; no alarm sees one.

    python benchmarks/paper/collapse.py                  # 15 runs, about 35 minutes on one core
    python benchmarks/paper/collapse.py --jobs 2
    python benchmarks/paper/collapse.py --settings healthy rate reduced

Runs that are complete in the output folder are read, not repeated; one that was interrupted goes
on. The thresholds were chosen on seeds 0 to 4 and 10 to 13, so the default seeds are others.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tyro
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from runs import train_all

from ttrl_agents.callbacks.collapse import Alarm, CollapseThresholds, find_alarms
from ttrl_agents.config import TrainConfig
from ttrl_agents.evaluate import evaluate
from ttrl_agents.run.best_checkpoint import BestCheckpoint
from ttrl_agents.samplers import SamplingParams
from ttrl_agents.trainer import Trainer, resume_config

WINDOW = 10
TOO_FAST: dict[str, Any] = {"learning_rate": 1e-3, "schedule": "constant", "steps": 120}
SETTINGS: dict[str, dict[str, Any]] = {
    "healthy": {},
    "rate": TOO_FAST,
    "votes": {"learning_rate": 6e-4, "schedule": "constant", "steps": 120, "n_votes": 8},
    "reduced": {**TOO_FAST, "on_collapse": "reduce"},
}


@dataclass(frozen=True)
class Options:
    """Trains into collapse on purpose, and says what the monitor saw of it."""

    settings: tuple[str, ...] = ("healthy", "rate", "votes")
    """Which of healthy, rate, votes, and reduced: as rate, with --on-collapse reduce."""
    seeds: tuple[int, ...] = (20, 21, 22, 23, 24)
    """Every setting is run with each of these."""
    model: str = "tiny"
    """The model that every run starts from."""
    steps: int = TrainConfig.steps
    """Training steps of the healthy runs."""
    jobs: int = 1
    """Runs at a time, one thread each."""
    output: Path = Path("runs/collapse")
    """Where the runs go."""


@dataclass(frozen=True)
class Run:
    """What a run shows afterwards."""

    setting: str
    seed: int
    mean: npt.NDArray[np.float64]  # mean@k of the step's questions, averaged over WINDOW steps
    rows: list[dict[str, Any]]
    alarms: list[Alarm]
    best: int  # the step of the best checkpoint,
    unguarded: int  # and of the one that it would be if alarms did not end the search
    start: float

    @property
    def fell(self) -> int | None:
        """The first step whose averaged mean@k is under that of the untrained model."""
        below = np.flatnonzero(self.mean < self.start)
        return int(below[0]) + 1 if len(below) else None

    @property
    def lead(self) -> int | None:
        """Steps from the first alarm to the fall."""
        if self.fell is None or not self.alarms:
            return None
        return self.fell - self.alarms[0].step

    def mean_at(self, step: int) -> float:
        """The averaged mean@k after a step; before the first, that of the untrained model."""
        return float(self.mean[step - 1]) if step else self.start


def config_of(options: Options, setting: str, seed: int) -> TrainConfig:
    folder = options.output / f"{setting}-seed{seed}"
    values = {"evaluate": False, "steps": options.steps, **SETTINGS[setting]}
    return TrainConfig(**values, model=options.model, seed=seed, output=folder)


def measure_start(options: Options) -> float:
    """mean@16 of the untrained model on the questions that all runs train on."""
    path = options.output / "start.json"
    if not path.is_file():
        untrained = Trainer(TrainConfig(model=options.model, output=options.output / "start"))
        config = untrained.config
        params = SamplingParams(config.max_tokens, config.temperature)
        result = evaluate(untrained.sampler, untrained.benchmark, k=16, params=params, seed=0)
        assert result is not None  # every question has a label
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"mean@16": result.to_dict()["mean@16"]}) + "\n")
    start: float = json.loads(path.read_text())["mean@16"]
    return start


def read_run(options: Options, setting: str, seed: int, start: float) -> Run:
    folder = config_of(options, setting, seed).output
    assert folder is not None
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    right = np.array([row["ground_truth_ratio"] for row in rows])
    mean = np.array([right[max(0, i - WINDOW + 1) : i + 1].mean() for i in range(len(right))])
    mean[: WINDOW - 1] = np.nan  # too few questions to say anything
    alarms = find_alarms(rows)
    config = resume_config(folder)
    best, unguarded = (
        best_step(rows[:until], config) for until in (alarms[0].step - 1 if alarms else None, None)
    )
    return Run(setting, seed, mean, rows, alarms, best, unguarded, start)


def best_step(rows: list[dict[str, Any]], config: TrainConfig) -> int:
    """The step of the best of the checkpoints that a run with these metrics wrote."""
    limits = CollapseThresholds()
    best = BestCheckpoint(config.best_by, delay=limits.window + limits.patience)
    best.propose(0)
    for step, row in enumerate(rows, start=1):
        best.observe(row)
        if step % config.checkpoint_every == 0 or step == config.steps:
            best.settle(step)
            best.propose(step)
            best.settle(step, last=step == config.steps)
    assert best.step is not None  # the start stands in
    return best.step


def print_table(runs: list[Run], console: Console) -> None:
    table = Table(
        title=f"mean@16 at the start, T 1, top-p 1: {runs[0].start:.3f}",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    for name in ("setting", "seed", "alarm", "kind", "fell", "early"):
        table.add_column(name, justify="left" if name in ("setting", "kind") else "right")
    # mean@16, averaged: where it was highest, at the best checkpoint, at what that would be without
    # alarms, and at the end
    for name in ("highest", "at best", "no guard", "last"):
        table.add_column(name, justify="right")
    for before, run in zip([None, *runs], runs, strict=False):
        if before is not None and before.setting != run.setting:
            table.add_section()
        alarm = run.alarms[0] if run.alarms else None
        cells = [
            run.setting,
            str(run.seed),
            "-" if alarm is None else str(alarm.step),
            "" if alarm is None else alarm.kind,
            "-" if run.fell is None else str(run.fell),
            "-" if run.lead is None else str(run.lead),
            f"{np.nanmax(run.mean):.3f}",
            f"{run.mean_at(run.best):.3f}",
            f"{run.mean_at(run.unguarded):.3f}",
            f"{run.mean[-1]:.3f}",
        ]
        table.add_row(*cells)
    console.print(table)
    for setting in dict.fromkeys(run.setting for run in runs):
        of = [run for run in runs if run.setting == setting]
        fallen = [run for run in of if run.fell is not None]
        leads = [run.lead for run in fallen if run.lead is not None]
        early = f", {np.median(leads):g} steps early on the median" if leads else ""
        console.print(
            f"{setting}: {sum(bool(run.alarms) for run in of)} of {len(of)} raised an alarm, "
            f"{len(fallen)} of {len(of)} fell under the start{early}",
            soft_wrap=True,
        )


def draw(runs: list[Run], path: Path) -> None:
    settings = list(dict.fromkeys(run.setting for run in runs))
    panels = (
        (None, "mean@16 (needs labels)"),
        ("majority_ratio", "majority ratio"),
        ("flip_rate", "flip rate"),
        ("kl_start", "KL to the start"),
    )
    figure = Figure(figsize=(3.4 * len(settings) + 0.6, 8.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), len(settings), sharex="col", sharey="row", squeeze=False)
    for column, setting in enumerate(settings):
        for row, (name, label) in enumerate(panels):
            axis = axes[row, column]
            axis.grid(alpha=0.25)
            axis.spines[["top", "right"]].set_visible(False)
            if row == 0:
                axis.set_title(setting, fontsize=12, fontweight="bold", loc="left")
                axis.axhline(runs[0].start, color="#555555", linewidth=1, linestyle=":")
            if column == 0:
                axis.set_ylabel(label, fontsize=9)
            for index, run in enumerate(run for run in runs if run.setting == setting):
                values = run.mean if name is None else averaged(run.rows, name)
                steps = np.arange(1, len(values) + 1)
                known = ~np.isnan(values)
                color = f"C{index}"
                axis.plot(steps[known], values[known], color=color, linewidth=1.2, alpha=0.8)
                if run.alarms:
                    step = run.alarms[0].step
                    axis.plot(step, values[step - 1], "v", color=color, markersize=7)
        axes[-1, column].set_xlabel("training step", fontsize=9)
    figure.suptitle("First alarm of each run (triangles); dotted: mean@16 of the untrained model")
    figure.savefig(path, dpi=110)


def averaged(rows: list[dict[str, Any]], name: str) -> npt.NDArray[np.float64]:
    values = np.array([np.nan if row.get(name) is None else row[name] for row in rows])
    parts = [values[max(0, i - WINDOW + 1) : i + 1] for i in range(len(values))]
    return np.array([np.nan if np.isnan(part).all() else np.nanmean(part) for part in parts])


def main(options: Options) -> None:
    console = Console(highlight=False)
    configs = [
        config_of(options, name, seed) for seed in options.seeds for name in options.settings
    ]
    train_all(configs, options.jobs, console)
    start = measure_start(options)
    runs = [
        read_run(options, setting, seed, start)
        for setting in options.settings
        for seed in options.seeds
    ]
    print_table(runs, console)
    path = options.output / "collapse.png"
    draw(runs, path)
    console.print(f"Drawn in {path}")


if __name__ == "__main__":
    main(tyro.cli(Options))
