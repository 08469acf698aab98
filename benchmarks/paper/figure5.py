"""The twin of Figure 5: mean@16 and maj@16 over training, measured every few steps.

    python benchmarks/paper/figure5.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/figure5.py --write      # and keeps the results in the documentation

How runs are kept, shared and resumed is told in `twins.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from twin_pictures import COLORS, Curve, draw_curves
from twin_tables import (
    Results,
    by_seed,
    interval_of,
    known,
    label_of,
    legend,
    markdown,
    setting_of,
)
from twins import EVERY, Measure, Plan, Twin, main_of, plan_of

REWARDS = ("majority", "random", "format_only")


@dataclass(frozen=True)
class Options(Twin):
    """Measures the tiny reasoner every few steps."""

    script = "benchmarks/paper/figure5.py"
    block = "figure5"

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: the standard one and the controls, measured on their way."""
        steps = [*range(0, self.train.steps, EVERY), None]
        measures = [Measure("arithmetic", step) for step in steps]
        return {
            each: plan_of(each, "tiny", "arithmetic", *measures, reward=each) for each in REWARDS
        }


def labels_of(results: Results) -> dict[int, str]:
    """Returns the labels of what was measured, by training step."""
    steps = results["options"]["steps"]
    return {
        **{step: f"arithmetic {step}" for step in range(0, steps, EVERY)},
        steps: "arithmetic end",
    }


def table(results: Results) -> str:
    """Returns the Markdown table of the results: a column for each step that is measured."""
    k = results["options"]["eval_k"]
    labels = labels_of(results)
    rows = []
    for name in known(results, REWARDS):
        for score, words in (("mean", f"mean@{k}"), ("maj", f"maj@{k}")):
            intervals = [
                interval_of(by_seed(results, name, each, score)) for each in labels.values()
            ]
            title = label_of(results, name, f"`{name}`, {words}")
            cells = [f"{each.mean:.3f} [{each.low:.2f}, {each.high:.2f}]" for each in intervals]
            rows.append([title, *cells])
    heads = ["reward, score", *(f"step {step}" for step in labels)]
    text = legend(results).replace("; below it the range over seeds", "")
    return f"{markdown(heads, rows)}\n\n{text}"


def draw(results: Results, path: Path) -> None:
    """Draws mean and vote over training, with their intervals, and the controls."""
    k = results["options"]["eval_k"]
    panels = {}
    for name in known(results, REWARDS):
        heading = "trained on the vote" if name == "majority" else f"control: {name}"
        panels[heading] = [
            _curve(results, name, "mean", f"mean@{k}", COLORS[name], dashed=False),
            _curve(results, name, "maj", f"maj@{k}", "#1f7a4d", dashed=True),
        ]
    draw_curves(
        panels,
        path,
        title=f"mean@{k} and maj@{k} over training",
        note=f"{setting_of(results)}, measured on all questions; band: 95 % interval over "
        "questions; thin: seeds",
        columns=3,
    )


def _curve(
    results: Results, name: str, score: str, title: str, color: str, *, dashed: bool
) -> Curve:
    labels = labels_of(results)
    scores = [by_seed(results, name, each, score) for each in labels.values()]
    intervals = [interval_of(each) for each in scores]
    return Curve(
        title,
        color,
        np.stack([each.mean(axis=1) for each in scores], axis=1),
        list(labels),
        np.array([each.low for each in intervals]),
        np.array([each.high for each in intervals]),
        dashed,
    )


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
