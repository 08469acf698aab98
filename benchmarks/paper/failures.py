"""The twin of the paper's failures: temperature, episodes, prior, and the learning rate.

    python benchmarks/paper/failures.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/failures.py --write      # and keeps the results in the documentation

How runs are kept, shared and resumed is told in `twins.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from sets import SETS
from twin_pictures import LINES, Curve, curve_of, draw_curves
from twin_tables import (
    Results,
    change_of,
    known,
    label_of,
    legend,
    markdown,
)
from twins import CONTROLS, Plan, Twin, main_of, plan_of

CHANGES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "as it should be": ("as in Figure 8", "small", "level-5", {"reward": "majority"}),
    "temperature": ("temperature 0.6", "small", "level-5", {"temperature": 0.6}),
    "episodes": ("a quarter of the steps", "small", "level-5", {"steps": 15}),
    "rate": (
        "5 × learning rate, constant",
        "small",
        "level-5",
        {"learning_rate": 1.5e-3, "schedule": "constant"},
    ),
    "prior": ("no prior: sums, for `tiny`", "tiny", "sums", {"reward": "majority"}),
    "stronger prior": ("a stronger prior: `tiny`", "tiny", "level-5", {"reward": "majority"}),
    "random": ("control: `random`", "small", "level-5", {"reward": "random"}),
    "format_only": ("control: `format_only`", "small", "level-5", {"reward": "format_only"}),
}


@dataclass(frozen=True)
class Options(Twin):
    """Trains with each of the paper's causes of failure."""

    script = "benchmarks/paper/failures.py"
    block = "failures"
    series = ("entropy", "ground_truth_ratio", "label_accuracy", "majority_ratio")

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: one for each cause."""
        return {
            name: plan_of(title, model, questions, **changes)
            for name, (title, model, questions, changes) in CHANGES.items()
        }


METRICS = {"entropy": "entropy, nats a token", "label_accuracy": "label accuracy"}
WINDOW = 10  # steps at either end that the table averages over, of a short run a third


def ends_of(results: Results, name: str, metric: str) -> str:
    """Returns the means of a metric over the first and the last steps and over seeds, as a cell.

    A control has no pseudo-labels, and where no completion is trained on there is no entropy.
    """
    if metric == "label_accuracy" and name in CONTROLS:
        return "-"
    values = np.array([row["series"][metric] for row in results["runs"][name].values()], np.float64)
    window = min(WINDOW, values.shape[1] // 3 or 1)
    ends = (values[:, :window], values[:, -window:])
    return " → ".join("-" if np.isnan(end).all() else f"{np.nanmean(end):.2f}" for end in ends)


def table(results: Results) -> str:
    """Returns the Markdown table of the results."""
    k = results["options"]["eval_k"]
    rows = []
    for name in known(results, CHANGES):
        title, model, questions, _ = CHANGES[name]
        mean, maj = (change_of(results, name, questions, each) for each in ("mean", "maj"))
        alarms = [bool(row["alarms"]) for row in results["runs"][name].values()]
        rows.append(
            [
                label_of(results, name, title),
                f"`{model}`, {SETS[questions].title}",
                mean.cell,
                f"{maj.before.mean:.3f} → {maj.after.mean:.3f}",
                *(ends_of(results, name, metric) for metric in METRICS),
                f"{sum(alarms)} of {len(alarms)}",
            ]
        )
    heads = [
        "run",
        "model, questions",
        f"mean@{k}",
        f"maj@{k}",
        *METRICS.values(),
        "runs with an alarm",
    ]
    more = f"Entropy and label accuracy are means over the first and the last {WINDOW} steps."
    return f"{markdown(heads, rows)}\n\n{legend(results, more)}"


def draw(results: Results, path: Path) -> None:
    """Draws entropy and right answers over training."""
    shown = [name for name in known(results, CHANGES) if name not in CONTROLS]
    panels: dict[str, list[Curve]] = {}
    for metric, heading in (
        ("ground_truth_ratio", "share of right answers"),
        ("entropy", "entropy, nats a token"),
    ):
        panels[heading] = [
            curve_of(results, name, metric, CHANGES[name][0].replace("`", ""), LINES[place])
            for place, name in enumerate(shown)
        ]
    draw_curves(
        panels,
        path,
        title="The paper's causes of failure",
        note="Training steps at their own temperature, top-p 1, means over 5 steps; thin: seeds",
    )


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
