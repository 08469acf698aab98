"""The twin of Figure 4: TTRL with other algorithms, as curves.

    python benchmarks/paper/figure4.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/figure4.py --write      # and keeps the results in the documentation

The paper compares GRPO, PPO and PRIME; PRIME, which learns a reward for every token, is not part of
this project, and four others stand in its place.

How runs are kept, shared and resumed is told in `twins.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tyro
from twin_pictures import COLORS, LINES, curve_of, draw_curves
from twin_tables import (
    Results,
    change_of,
    known,
    label_of,
    legend,
    markdown,
)
from twins import CONTROLS, Plan, Twin, main_of, plan_of

ALGORITHMS = ("ppo", "rloo", "reinforce++", "dr-grpo", "dapo")


@dataclass(frozen=True)
class Options(Twin):
    """Trains the tiny reasoner with several algorithms."""

    script = "benchmarks/paper/figure4.py"
    block = "figure4"
    series = ("ground_truth_ratio", "label_accuracy")

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: GRPO, which is the standard, the others, and the controls."""
        return {
            "grpo": plan_of("`grpo`", reward="majority"),
            **{each: plan_of(f"`{each}`", algorithm=each) for each in ALGORITHMS},
            **{each: plan_of(f"`grpo`, reward `{each}`", reward=each) for each in CONTROLS},
        }


def table(results: Results) -> str:
    """Returns the Markdown table of the results."""
    k = results["options"]["eval_k"]
    rows = []
    for name in known(results, results["runs"]):
        mean, maj = (change_of(results, name, "arithmetic", each) for each in ("mean", "maj"))
        title = f"`grpo`, reward `{name}`" if name in CONTROLS else f"`{name}`"
        votes = f"{maj.before.mean:.3f} → {maj.after.mean:.3f}"
        rows.append([label_of(results, name, title), mean.cell, votes])
    heads = ["algorithm", f"mean@{k}", f"maj@{k}"]
    return f"{markdown(heads, rows)}\n\n{legend(results)}"


def draw(results: Results, path: Path) -> None:
    """Draws the share of right answers over training, by algorithm."""
    names = known(results, ["grpo", *ALGORITHMS])
    curves = [
        curve_of(results, name, "ground_truth_ratio", name, LINES[place])
        for place, name in enumerate(names)
    ]
    controls = [
        curve_of(
            results, each, "ground_truth_ratio", f"grpo, reward {each}", COLORS[each], dashed=True
        )
        for each in known(results, CONTROLS)
    ]
    options = results["options"]
    draw_curves(
        {"share of right answers": [*curves, *controls]},
        path,
        title="TTRL with other algorithms",
        note=f"Training steps at T {options['temperature']:g}, top-p 1, means over 5 steps; thin: "
        "seeds. Dashed: controls",
    )


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
