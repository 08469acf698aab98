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
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ttrl_agents.config import TrainConfig
from ttrl_agents.config.algorithms import ALGORITHMS
from ttrl_agents.trainer import Trainer, resume_config


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


def run_once(options: Options, algorithm: str, seed: int) -> dict[str, Any]:
    folder = options.output / f"{algorithm}-seed{seed}"
    done = folder / "summary.json"
    if not done.is_file():
        torch.set_num_threads(1)
        given = {"algorithm": algorithm, "seed": seed, "output": str(folder)}
        begun = (folder / "config.json").is_file()
        config = (
            resume_config(folder)
            if begun
            else TrainConfig.from_dict({**options.train.to_dict(), **given})
        )
        Trainer(config, resume=begun).run()
    summary: dict[str, Any] = json.loads(done.read_text())
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return summary | {"skipped": sum(line["skipped"] for line in lines)}


def run_all(options: Options, console: Console) -> dict[str, list[dict[str, Any]]]:
    columns = (
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TextColumn("runs"),
        TimeElapsedColumn(),
    )
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in options.algorithms}
    pairs = [(name, seed) for name in options.algorithms for seed in options.seeds]
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, console=console) as progress,
        ProcessPoolExecutor(options.jobs, mp_context=context) as pool,
    ):
        task = progress.add_task("training", total=len(pairs))
        futures = {pool.submit(run_once, options, *pair): pair for pair in pairs}
        for future in as_completed(futures):
            results[futures[future][0]].append(future.result())
            progress.advance(task)
    return results


def print_table(options: Options, console: Console, results: dict[str, list[Any]]) -> None:
    k = options.train.eval_votes
    print(f"| algorithm | mean@{k}, trained | mean@{k}, held-out | seconds | skipped |")
    print("|---|---|---|---|---|")
    table = Table(
        title=f"{options.train.model} on {options.train.env}, {options.train.steps} steps, "
        f"seeds {options.seeds}"
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
