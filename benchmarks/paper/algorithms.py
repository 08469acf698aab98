"""Every algorithm on the same questions: do the presets learn?

Trains the tiny reasoner with each preset of `--algorithm`, each with its own defaults and all with
the same questions, votes and rate, and prints mean@k before and after, side by side. One seed and
100 steps show that a preset works; they do not rank the algorithms.

    python benchmarks/paper/algorithms.py --jobs 2           # about 20 minutes on 2 cores
    python benchmarks/paper/algorithms.py --algorithms grpo ppo --seeds 0 1 2

Runs that are complete in the output folder are read, not repeated; begun ones go on.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table
from runs import read_summary, train_all

from ttrl_agents.config import TrainConfig
from ttrl_agents.config.algorithms import ALGORITHMS
from ttrl_agents.evaluate.setting import by_setting


@dataclass(frozen=True)
class Options:
    """Trains the same model with every algorithm."""

    algorithms: tuple[str, ...] = tuple(ALGORITHMS)
    """Which of them."""
    seeds: tuple[int, ...] = (0,)
    """Every algorithm is run with each of these."""
    jobs: int = 1
    """Runs at once, each a process of one thread."""
    output: Path = Path("runs/algorithms")
    """Where the runs go."""
    train: TrainConfig = field(default_factory=lambda: TrainConfig(steps=100))
    """The options of every run, but for algorithm, seed and output."""

    def config(self, algorithm: str, seed: int) -> TrainConfig:
        """Returns the options of one run."""
        folder = self.output / f"{algorithm}-seed{seed}"
        return replace(self.train, algorithm=algorithm, seed=seed, output=folder)


def run_all(options: Options, console: Console) -> dict[str, list[dict[str, Any]]]:
    """Returns the summaries of each algorithm, one for each seed."""
    configs = {
        name: [options.config(name, seed) for seed in options.seeds] for name in options.algorithms
    }
    train_all([each for of in configs.values() for each in of], options.jobs, console)
    return {name: [summary_of(config) for config in of] for name, of in configs.items()}


def summary_of(config: TrainConfig) -> dict[str, Any]:
    """Returns the summary of a run and how many updates were skipped."""
    assert config.output is not None
    lines = map(json.loads, (config.output / "metrics.jsonl").read_text().splitlines())
    return read_summary(config) | {"skipped": sum(line["skipped"] for line in lines)}


def print_table(options: Options, console: Console, results: dict[str, list[Any]]) -> None:
    k = options.train.eval_k
    first = next(iter(results.values()))[0]
    setting = next(iter(by_setting(first["before"])))
    print(f"| algorithm | mean@{k}, trained | mean@{k}, held-out | seconds | skipped |")
    print("|---|---|---|---|---|")
    table = Table(
        title=f"{options.train.model} on {options.train.env}, {options.train.steps} steps, "
        f"seeds {options.seeds}, measured at {setting.title}"
    )
    names = ("algorithm", f"mean@{k} before", "after", "held-out before", "after", "seconds")
    for name in names:
        table.add_column(name, justify="left" if name == "algorithm" else "right")
    for algorithm, summaries in results.items():
        cells = [
            np.mean([row[when][split][f"mean@{k}"] for row in summaries])
            for split in ("train", "held_out")
            for when in ("before", "after")
            if summaries[0]["before"][split] is not None
        ]
        seconds = np.mean([row["seconds"] for row in summaries])
        skipped = sum(row["skipped"] for row in summaries)
        pairs = [
            f"{before:.3f} → {after:.3f}"
            for before, after in zip(cells[::2], cells[1::2], strict=True)
        ]
        print(f"| `{algorithm}` | {' | '.join(pairs)} | {seconds:.0f} | {skipped:.0f} |")
        table.add_row(algorithm, *(f"{cell:.3f}" for cell in cells), f"{seconds:.0f}")
    console.print(table)


def main(options: Options) -> None:
    console = Console(highlight=False, stderr=True)
    print_table(options, console, run_all(options, console))


if __name__ == "__main__":
    main(tyro.cli(Options))
