"""The table of the README: what the main job does, at every temperature, over five seeds.

Trains the tiny reasoner with the default options and five seeds, as `make train` does with the
first of them, and measures the greedy accuracy on 300 fresh questions besides. Prints the README's
table; `--write` puts it there, and what it is made of into `docs/results/main.json`.

    python benchmarks/paper/main_table.py --jobs 2
    python benchmarks/paper/main_table.py --write

Runs that are complete in the output folder are read, not repeated; begun ones are resumed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console

sys.path.append(str(Path(__file__).parents[1]))
from runs import command_with, initial_weights, read_summary, train_all

from pages import REPOSITORY, write_results
from ttrl_agents.config import TrainConfig
from ttrl_agents.evaluate.turned import describe_turned

PAGE = REPOSITORY / "README.md"
FRESH = {"split": "held_out", "size": 300, "seed": 1}
SPLITS = ("train", "held_out")


@dataclass(frozen=True)
class Options:
    """Trains the tiny reasoner with several seeds and prints the table of the README."""

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """The seeds; the table shows the first in full."""
    jobs: int = 1
    """Runs at a time, one thread each."""
    output: Path = Path("runs/main")
    """Where the runs go."""
    write: bool = False
    """Put the table into the README."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """The options of every run, but for seed and output."""

    def config(self, seed: int) -> TrainConfig:
        """Returns the options of one run."""
        return replace(self.train, seed=seed, output=self.output / f"seed{seed}")

    @property
    def rows(self) -> dict[str, tuple[str | None, str]]:
        """The rows of the table: the setting, of which none is the main one, and the score."""
        k = self.train.eval_k
        return {
            f"mean@{k}": (None, f"mean@{k}"),
            f"maj@{k}": (None, f"maj@{k}"),
            f"pass@{k}": (None, f"pass@{k}"),
            "greedy": ("greedy", "mean@1"),
            f"mean@{k}, T 1, top-p 1": ("T1-top-p1", f"mean@{k}"),
        }


def fresh_accuracy(model: str, path: Path) -> float:
    """Returns the greedy accuracy of a model on fresh questions, measured once."""
    if not path.is_file():
        from ttrl_agents.evaluate import evaluate
        from ttrl_agents.policy import load_policy
        from ttrl_agents.samplers import SamplingParams, make_sampler
        from ttrl_benchmarks import load_benchmark

        config = TrainConfig()
        result = evaluate(
            make_sampler(load_policy(model, device="cpu"), config),
            load_benchmark("arithmetic", **FRESH),
            k=1,
            params=SamplingParams(config.max_tokens, temperature=0.0),
            seed=0,
        )
        assert result is not None  # every arithmetic question has a label
        path.write_text(json.dumps({"greedy": result.to_dict()["mean@1"], **FRESH}) + "\n")
    accuracy: float = json.loads(path.read_text())["greedy"]
    return accuracy


def collect(options: Options) -> dict[str, Any]:
    """Returns what the table is made of, as JSON holds it."""
    runs = {}
    before = fresh_accuracy(options.train.model, options.output / "fresh.json")
    for seed in options.seeds:
        summary = read_summary(options.config(seed))
        folder = options.output / f"seed{seed}"
        runs[str(seed)] = {
            "seconds": summary["seconds"],
            "fresh_greedy": [
                before,
                fresh_accuracy(str(folder / "checkpoint"), folder / "fresh.json"),
            ],
            "turned": {
                split: {
                    name: value
                    for name, value in summary["turned"][split].items()
                    if not isinstance(value, list)
                }
                for split in SPLITS
            },
            "scores": {
                words: {split: pair(summary, split, setting, score) for split in SPLITS}
                for words, (setting, score) in options.rows.items()
            },
        }
    return {
        "command": command_with(
            "python benchmarks/paper/main_table.py", options.seeds, Options.seeds
        ),
        "model": options.train.model,
        "weights": initial_weights([options.config(seed) for seed in options.seeds]),
        "steps": options.train.steps,
        "k": options.train.eval_k,
        "runs": runs,
    }


def pair(summary: dict[str, Any], split: str, setting: str | None, score: str) -> list[list[float]]:
    """Returns mean, low and high of a score, before and after."""
    moments = []
    for when in ("before", "after"):
        results = summary[when] if setting is None else summary[when][setting]
        moments.append([results[split][score], *results[split][score + "_ci95"]])
    return moments


def table(results: dict[str, Any]) -> str:
    """Returns the README's tables."""
    first = next(iter(results["runs"]))
    run = results["runs"][first]
    k = results["k"]
    legend = (
        f"Seed {first}, {results['steps']} steps; 100 trained and 100 held-out questions, sampled "
        "as in the paper, at T 0.6 and top-p 0.95, unless another temperature is named (95 % "
        "interval over questions):"
    )
    lines = [
        legend,
        "",
        "| | trained, before → after | held-out, before → after |",
        "|---|---|---|",
    ]
    for words, splits in run["scores"].items():
        cells = [f"{old[0]:.3f} → **{interval(new)}**" for old, new in map(splits.get, SPLITS)]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    lines += [
        "",
        f"On the trained questions: {describe_turned(run['turned']['train'])}",
        "",
        f"| seed | mean@{k}, trained | mean@{k}, held-out | maj@{k} before | greedy, 300 fresh |",
        "|---|---|---|---|---|",
    ]
    for seed, run in results["runs"].items():
        mean, maj = run["scores"][f"mean@{k}"], run["scores"][f"maj@{k}"]
        old, new = run["fresh_greedy"]
        cells = [
            *(f"{mean[split][0][0]:.3f} → {mean[split][1][0]:.3f}" for split in SPLITS),
            f"{maj['train'][0][0]:.3f} / {maj['held_out'][0][0]:.3f}",
            f"{old:.3f} → {new:.3f}",
        ]
        lines.append(f"| {seed} | {' | '.join(cells)} |")
    lines += ["", f"Printed by `{results['command']}`."]
    return "\n".join(lines)


def interval(score: list[float]) -> str:
    """Returns a mean with its interval."""
    mean, low, high = score
    return f"{mean:.3f} [{low:.2f}, {high:.2f}]"


def main(options: Options) -> None:
    console = Console(highlight=False, stderr=True)
    train_all([options.config(seed) for seed in options.seeds], options.jobs, console)
    results = collect(options)
    print(table(results))
    if options.write:
        write_results("main", results, PAGE, table(results))


if __name__ == "__main__":
    main(tyro.cli(Options))
