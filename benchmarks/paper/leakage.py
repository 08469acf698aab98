"""TTRL beside its upper bound and its control: majority, true labels, a coin.

Trains the same model with the rewards `majority`, `oracle` and `random` and prints mean@k and
maj@k before and after, side by side. The first comparison is figure 8 of TTRL (arXiv 2504.16084):
learning from the vote comes close to learning from the leaked labels.

    python benchmarks/paper/leakage.py                      # seed 0, about 11 minutes on 2 cores
    python benchmarks/paper/leakage.py --seeds 0 1 2

Runs that are complete in the output folder are read, not repeated.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from ttrl_agents.callbacks import ConsoleCallback, CurvesCallback
from ttrl_agents.config import TrainConfig
from ttrl_agents.trainer import Trainer, resume_config

REWARDS = ("majority", "oracle", "random")


@dataclass(frozen=True)
class Options:
    """Compares learning from the vote with learning from the labels and from a coin."""

    seeds: tuple[int, ...] = (0,)
    """Every reward is run with each of these."""
    output: Path = Path("runs/leakage")
    """Where the runs go."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """The options of every run, but for seed, reward and output."""


def run_once(options: Options, reward: str, seed: int, console: Console) -> dict[str, Any]:
    folder = options.output / f"{reward}-seed{seed}"
    done = folder / "summary.json"
    if done.is_file():
        summary: dict[str, Any] = json.loads(done.read_text())
        return summary
    values = {**options.train.to_dict(), "reward": reward, "seed": seed, "output": str(folder)}
    begun = (folder / "config.json").is_file()
    config = resume_config(folder) if begun else TrainConfig.from_dict(values)
    watchers = [CurvesCallback(), ConsoleCallback(console)]
    return Trainer(config, watchers, resume=begun).run()


def main(options: Options) -> None:
    console = Console(highlight=False)
    results = {
        reward: [run_once(options, reward, seed, console) for seed in options.seeds]
        for reward in REWARDS
    }
    k = options.train.eval_votes
    table = Table(title=f"{options.train.model} on {options.train.env}, seeds {options.seeds}")
    for name in (
        "reward",
        "questions",
        f"mean@{k} before",
        "after",
        "change",
        f"maj@{k} before",
        "after",
        "seconds",
    ):
        table.add_column(name, justify="left" if name in ("reward", "questions") else "right")
    for reward, summaries in results.items():
        for split in ("train", "held_out"):
            if summaries[0]["before"][split] is None:
                continue

            def average(when: str, metric: str, split: str = split, rows: Any = summaries) -> float:
                return float(np.mean([row[when][split][metric] for row in rows]))

            mean, maj = f"mean@{k}", f"maj@{k}"
            gain = 100 * (average("after", mean) - average("before", mean))
            table.add_row(
                reward if split == "train" else "",
                split.replace("_", "-"),
                f"{average('before', mean):.3f}",
                f"{average('after', mean):.3f}",
                f"{gain:+.1f}",
                f"{average('before', maj):.3f}",
                f"{average('after', maj):.3f}",
                f"{np.mean([row['seconds'] for row in summaries]):.0f}" if split == "train" else "",
            )
        table.add_section()
    console.print(table)


if __name__ == "__main__":
    main(tyro.cli(Options))
