"""The twin of Figure 8: rewards that are right although labels are wrong ("lucky hits").

    python benchmarks/paper/figure8.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/figure8.py --write      # and keeps the results in the documentation

How runs are kept, shared and resumed is told in `twins.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from twin_pictures import Curve, curve_of, draw_curves
from twin_tables import (
    Results,
    change_of,
    known,
    label_of,
    legend,
    listed,
    markdown,
    seeds_of,
)
from twins import Plan, Twin, main_of, plan_of

from ttrl_agents.config import TrainConfig
from ttrl_agents.run.votes import read_votes

REWARDS = ("majority", "random", "format_only")
SERIES = ("label_accuracy", "majority_ratio", "reward_accuracy")
PAID = "paid_wrongly"


@dataclass(frozen=True)
class Options(Twin):
    """Trains the smallest model on the hardest questions."""

    script = "benchmarks/paper/figure8.py"
    block = "figure8"
    series = (*SERIES, "ground_truth_ratio")

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: one for every reward."""
        return {each: plan_of(f"`{each}`", "small", "level-5", reward=each) for each in REWARDS}

    def row_of(self, config: TrainConfig) -> dict[str, Any]:
        """Returns what is kept of a complete run, with the share rewarded for a wrong answer."""
        row = super().row_of(config)
        assert config.output is not None
        row["series"][PAID] = paid_wrongly(config.output, config.steps)
        return row


def paid_wrongly(folder: Path, steps: int) -> list[float]:
    """Returns for each step the share of completions that agree with a wrong pseudo-label."""
    shares: list[list[float]] = [[] for _ in range(steps)]
    for group in read_votes(folder):
        shares[group.step - 1].append(0.0 if group.label_accuracy else group.majority_ratio)
    return [round(float(np.mean(each)), 4) for each in shares]


WINDOW = 10  # steps at either end that the table averages over
LINES = {
    "reward_accuracy": ("reward accuracy", "#1f5fa8"),
    "label_accuracy": ("label accuracy", "#1f7a4d"),
    "majority_ratio": ("majority ratio", "#b0561f"),
}


def ends_of(results: Results, name: str, metric: str) -> tuple[float, float]:
    """Returns the means of a metric over the first and the last steps and over seeds."""
    rows = results["runs"][name].values()
    values = np.array([row["series"][metric] for row in rows], np.float64)
    return float(values[:, :WINDOW].mean()), float(values[:, -WINDOW:].mean())


def table(results: Results) -> str:
    """Returns the Markdown table of the metrics, and where wrong rewards come from."""
    k = results["options"]["eval_k"]
    rows = []
    for name in known(results, REWARDS):
        rows.append(
            [
                label_of(results, name, f"`{name}`"),
                *(_ends_cell(results, name, metric) for metric in LINES),
                change_of(results, name, "level-5").cell,
            ]
        )
    heads = ["reward", *(words for words, _ in LINES.values()), f"mean@{k}"]
    text = (
        f"Means over the first and the last {WINDOW} training steps, at the training temperature. "
        + legend(results, "`small`, questions of level 5.")
    )
    parts = [markdown(heads, rows), text]
    if "majority" in results["runs"]:
        parts.append(accounts(results))
    return "\n\n".join(parts)


def _ends_cell(results: Results, name: str, metric: str) -> str:
    """Both means as a cell; the controls elect no label that could be right or wrong."""
    if metric == "label_accuracy" and name != "majority":
        return "-"
    first, last = ends_of(results, name, metric)
    return f"{first:.3f} → {last:.3f}"


def accounts(results: Results) -> str:
    """Returns where the wrong rewards of the first steps come from, in numbers."""
    labels, ratios, rewards = (ends_of(results, "majority", each)[0] for each in SERIES)
    paid = ends_of(results, "majority", PAID)[0]
    missed = 1 - rewards - paid
    return (
        f"In the first {WINDOW} steps, {listed(seeds_of(results))}: {1 - labels:.1%} of the labels "
        f"are wrong, but only {paid:.1%} of the completions agree with a wrong label and are "
        f"rewarded for it, and {missed:.1%} are right and get nothing. All others are judged as "
        f"the true label would judge them: 100 % - {paid:.1%} - {missed:.1%} = {rewards:.1%}. The "
        f"majority ratio is {ratios:.1%}."
    )


def draw(results: Results, path: Path) -> None:
    """Draws the three metrics over training."""
    curves: list[Curve] = [
        curve_of(results, "majority", metric, words, color)
        for metric, (words, color) in LINES.items()
    ]
    curves.append(
        curve_of(results, "majority", "ground_truth_ratio", "right answers", "#5f6b78", dashed=True)
    )
    options = results["options"]
    draw_curves(
        {"`small` on level 5".replace("`", ""): curves},
        path,
        title="Lucky hits: rewards that are right although labels are wrong",
        note=f"Training steps at T {options['temperature']:g}, top-p 1, means over 5 steps; thin: "
        "seeds",
    )


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
