"""TTRL beside its upper bound and its controls: what do the votes buy, and what the labels?

Trains the same model with five rewards, several seeds each:

- `majority`: the vote, which is TTRL;
- `oracle`: the true labels, the upper bound. Learning from the vote comes close to it in the figure
  on label leakage of TTRL (arXiv 2504.16084v3, section 4);
- `negative_entropy`: the model's own certainty, without any vote;
- `format_only`: any answer in a box, whatever it says;
- `random`: a coin (arXiv 2506.10947: spurious rewards can help too).

Each is measured before and after, at the paper's temperature 0.6 and top-p 0.95 and greedily, on
the trained and on held-out questions.

    python benchmarks/paper/leakage.py --jobs 2      # 15 runs
    python benchmarks/paper/leakage.py --write       # and puts the table into docs/controls.md

Runs that are complete in the output folder are read, not repeated; begun ones are resumed.
Intervals are over questions, with the seeds of a question averaged; the range is over seeds.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tyro
from rich.console import Console
from runs import REPOSITORY, command_with, initial_weights, read_summary, train_all, write_block

from ttrl_agents.config import TrainConfig
from ttrl_agents.evaluate import Evaluation, EvaluationFolder, bootstrap_intervals

REWARDS = ("oracle", "majority", "negative_entropy", "format_only", "random")
WORDS = {
    "oracle": "`oracle`: true labels",
    "majority": "`majority`: TTRL",
    "negative_entropy": "`negative_entropy`: certainty",
    "format_only": "`format_only`: any boxed answer",
    "random": "`random`: a coin",
}
RESULTS = REPOSITORY / "docs" / "results" / "controls.json"
PICTURE = REPOSITORY / "docs" / "images" / "controls.png"
PAGE = REPOSITORY / "docs" / "controls.md"
# The folder of an evaluation within that of its moment, and the score.
COLUMNS = (
    ("train", "mean"),
    ("held_out", "mean"),
    ("held_out", "maj"),
    ("held_out", "pass"),
    ("greedy/held_out", "mean"),
)
SPLITS = {"train": "trained", "held_out": "held-out"}


@dataclass(frozen=True)
class Options:
    """Compares learning from the vote with learning from labels, certainty, format and a coin."""

    rewards: tuple[str, ...] = REWARDS
    """The rewards."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Every reward is run with each of these."""
    jobs: int = 1
    """Runs at a time, one thread each."""
    output: Path = Path("runs/leakage")
    """Where the runs go."""
    write: bool = False
    """Put the results into the documentation."""
    train: TrainConfig = field(default_factory=lambda: TrainConfig(eval_temperatures=(0.6, 0.0)))
    """The options of every run, but for seed, reward and output."""

    def config(self, reward: str, seed: int) -> TrainConfig:
        """Returns the options of one run."""
        folder = self.output / f"{reward}-seed{seed}"
        return replace(self.train, reward=reward, seed=seed, output=folder)


def scores(evaluation: Evaluation, score: str) -> npt.NDArray[np.float64]:
    """Returns the score of each question."""
    correct = evaluation.correct
    if score == "maj":
        return np.asarray(evaluation.majority_correct, dtype=np.float64)
    return np.asarray(correct.any(axis=1) if score == "pass" else correct.mean(axis=1), np.float64)


def measured(options: Options, reward: str, moment: str) -> list[dict[str, Any]]:
    """Returns each column: the mean over seeds, its interval over questions, and each seed."""
    columns = []
    for folder, score in COLUMNS:
        kind, _, split = folder.rpartition("/")
        name = kind or f"{score}@{options.train.eval_k}"
        rows = []
        for seed in options.seeds:
            output = options.config(reward, seed).output
            assert output is not None
            path = output / "evaluations" / moment / folder
            rows.append(scores(EvaluationFolder(path).read(), score))
        by_question = np.stack(rows).mean(axis=0)
        (interval,) = bootstrap_intervals(by_question[:, None])
        columns.append(
            {
                "column": f"{name}, {SPLITS[split]}",
                "mean": round(interval.mean, 4),
                "ci95": [round(interval.low, 4), round(interval.high, 4)],
                "seeds": [round(float(row.mean()), 4) for row in rows],
            }
        )
    return columns


def runs_with_alarms(options: Options, reward: str) -> int:
    """Returns how many runs with a reward raised an alarm of collapse."""
    summaries = (read_summary(options.config(reward, seed)) for seed in options.seeds)
    return sum(bool(summary["alarms"]) for summary in summaries)


def collect(options: Options) -> dict[str, Any]:
    """Returns the results of all runs, as JSON holds them."""
    rows = {reward: measured(options, reward, "after") for reward in options.rewards}
    return {
        "command": command_with("python benchmarks/paper/leakage.py", options.seeds, Options.seeds),
        "model": options.train.model,
        "weights": initial_weights(
            [options.config(reward, seed) for reward in options.rewards for seed in options.seeds]
        ),
        "env": options.train.env,
        "steps": options.train.steps,
        "seeds": list(options.seeds),
        "before": measured(options, options.rewards[0], "before"),
        "after": rows,
        "alarms": {reward: runs_with_alarms(options, reward) for reward in options.rewards},
    }


def cell(column: dict[str, Any]) -> str:
    """Returns a mean with its interval, and the range over seeds where there are several."""
    low, high = column["ci95"]
    text = f"{column['mean']:.3f} [{low:.2f}, {high:.2f}]"
    if len(column["seeds"]) > 1:
        text += f"<br>{min(column['seeds']):.2f} to {max(column['seeds']):.2f}"
    return text


def table(results: dict[str, Any]) -> str:
    """Returns the Markdown table of the results."""
    heads = [column["column"] for column in results["before"]]
    heads.append("runs with an alarm")
    lines = [f"| reward | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    start = [f"{column['mean']:.3f}" for column in results["before"]]
    lines.append(f"| before training | {' | '.join(start)} | |")
    for reward, columns in results["after"].items():
        words = WORDS.get(reward, f"`{reward}`")
        alarms = f"{results['alarms'][reward]} of {len(results['seeds'])}"
        lines.append(f"| {words} | {' | '.join(map(cell, columns))} | {alarms} |")
    seeds = ", ".join(map(str, results["seeds"]))
    legend = (
        f"`{results['model']}` on `{results['env']}`, {results['steps']} steps, seeds {seeds}; "
        "T 0.6, top-p 0.95 where it is not greedy. In brackets the 95 % interval over questions, "
        "below it the range over seeds. Printed by "
        f"`{results['command']}`."
    )
    return "\n".join([*lines, "", legend])


def draw(results: dict[str, Any], path: Path) -> None:
    """Draws a panel for each column: each seed, the mean and its interval, and the start."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rewards = list(results["after"])
    figure = Figure(figsize=(13, 1.4 + 0.45 * len(rewards)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(results["before"]), sharey=True)
    places = np.arange(len(rewards))[::-1]
    for index, axis in enumerate(axes):
        before = results["before"][index]
        axis.axvline(before["mean"], color="#555555", linestyle=":", linewidth=1)
        for place, reward in zip(places, rewards, strict=True):
            column = results["after"][reward][index]
            color = {"majority": "#1f5fa8", "oracle": "#1f7a4d"}.get(reward, "#8a94a0")
            low, high = column["ci95"]
            axis.plot([low, high], [place, place], color=color, linewidth=2)
            axis.plot(column["mean"], place, "D", color=color, markersize=6)
            axis.plot(column["seeds"], [place] * len(column["seeds"]), ".", color="#1f2933")
        axis.set_title(before["column"], fontsize=10, loc="left")
        axis.set_xlim(-0.03, 1.03)
        axis.grid(alpha=0.25, axis="x")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(places, rewards)
    figure.suptitle(
        f"{results['steps']} steps with each reward: mean over seeds with its 95 % interval over "
        "questions, dots: seeds, dotted: before training. T 0.6, top-p 0.95, or greedy",
        fontsize=10,
    )
    figure.savefig(path, dpi=120)


def main(options: Options) -> None:
    console = Console(highlight=False, stderr=True)
    configs: Sequence[TrainConfig] = [
        options.config(reward, seed) for seed in options.seeds for reward in options.rewards
    ]
    train_all(configs, options.jobs, console)
    results = collect(options)
    print(table(results))
    text = json.dumps(results, indent=1) + "\n"
    (options.output / "controls.json").write_text(text)
    draw(results, options.output / "controls.png")
    if options.write:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text)
        draw(results, PICTURE)
        write_block(PAGE, "controls", table(results))


if __name__ == "__main__":
    main(tyro.cli(Options))
