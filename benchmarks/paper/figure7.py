"""The twin of Figure 7: training on the votes beside training on the labels themselves.

    python benchmarks/paper/figure7.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/figure7.py --write      # and keeps the results in the documentation

How runs are kept, shared and resumed is told in `twins.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tyro
from twin_pictures import COLORS, curve_of, draw_curves
from twin_tables import (
    Results,
    change_of,
    known,
    label_of,
    legend,
    markdown,
)
from twins import Plan, Twin, main_of, plan_of

REWARDS = ("oracle", "majority", "random", "format_only")


@dataclass(frozen=True)
class Options(Twin):
    """Trains on leaked labels, on votes, and on nothing."""

    script = "benchmarks/paper/figure7.py"
    block = "figure7"
    series = ("ground_truth_ratio", "label_accuracy")

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: one for every reward."""
        return {each: plan_of(f"`{each}`", reward=each) for each in REWARDS}


WORDS = {
    "oracle": "true labels",
    "majority": "the vote: TTRL",
    "random": "a coin",
    "format_only": "any answer",
}


def table(results: Results) -> str:
    """Returns the Markdown table of the results."""
    k = results["options"]["eval_k"]
    rows = []
    for name in known(results, REWARDS):
        mean, maj, found = (
            change_of(results, name, "arithmetic", each) for each in ("mean", "maj", "pass")
        )
        votes = [f"{each.before.mean:.3f} → {each.after.mean:.3f}" for each in (maj, found)]
        rows.append([label_of(results, name, f"`{name}`: {WORDS[name]}"), mean.cell, *votes])
    heads = ["reward", f"mean@{k}", f"maj@{k}", f"pass@{k}"]
    return f"{markdown(heads, rows)}\n\n{legend(results)}"


def draw(results: Results, path: Path) -> None:
    """Draws the share of right answers over training, by reward."""
    curves = [
        curve_of(
            results,
            name,
            "ground_truth_ratio",
            WORDS[name],
            COLORS[name],
            dashed=name not in REWARDS[:2],
        )
        for name in known(results, REWARDS)
    ]
    options = results["options"]
    draw_curves(
        {"share of right answers": curves},
        path,
        title="Training on the vote beside training on the labels",
        note=f"Training steps at T {options['temperature']:g}, top-p 1, means over 5 steps; thin: "
        "seeds. Dashed: controls",
    )


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
