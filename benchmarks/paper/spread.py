"""Beyond the paper: how far seeds spread, and how often a right vote turns wrong.

    python benchmarks/paper/spread.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/spread.py --write      # and keeps the results in the documentation

How runs are kept, shared and resumed is told in `twins.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from twin_pictures import COLORS, INK, dress, new_figure, save
from twin_tables import (
    Results,
    change_of,
    known,
    label_of,
    legend,
    markdown,
    scores_of,
    setting_of,
    turned_of,
)
from twins import Plan, Twin, main_of, plan_of

from ttrl_agents.evaluate.turned import CONFIDENT

REWARDS = ("majority", "random", "format_only")
TURNS = {
    "to_right": "wrong to right",
    "to_wrong": "right to wrong",
    "to_wrong_confidently": "of these confident",
    "confidently_wrong": "confidently wrong at the end",
}


@dataclass(frozen=True)
class Options(Twin):
    """Repeats the standard run with more seeds."""

    script = "benchmarks/paper/spread.py"
    block = "spread"

    seeds: tuple[int, ...] = tuple(range(8))
    """Each is run with each of these."""

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: one for each reward."""
        return {each: plan_of(f"`{each}`", reward=each) for each in REWARDS}


def table(results: Results) -> str:
    """Returns the Markdown tables of the results: every seed, and the spread of each reward."""
    k = results["options"]["eval_k"]
    heads = ["reward", f"mean@{k}", "standard deviation over seeds", *TURNS.values()]
    rows = []
    for name in known(results, REWARDS):
        change = change_of(results, name, "arithmetic")
        turns = [turned_of(row, "arithmetic") for row in results["runs"][name].values()]
        deviation = f"{np.std(change.seeds, ddof=1):.3f}" if len(change.seeds) > 1 else "-"
        counts = [f"{np.mean([each[turn] for each in turns]):.1f}" for turn in TURNS]
        title = label_of(results, name, f"`{name}`")
        rows.append([title, change.cell, deviation, *counts])
    size = results["options"]["size"]
    more = f"The last four columns count votes, of {size}, as means over seeds."
    parts = [markdown(heads, rows), legend(results, more)]
    if "majority" in results["runs"]:
        parts.append(right_turned_wrong(results))
    return "\n\n".join(parts)


def right_turned_wrong(results: Results) -> str:
    """Returns how often a right vote turned wrong over all seeds, in words."""
    turns = [turned_of(row, "arithmetic") for row in results["runs"]["majority"].values()]
    right, wrong, sure = (
        sum(each[name] for each in turns)
        for name in ("right_before", "to_wrong", "to_wrong_confidently")
    )
    return (
        f"Of {right} votes that were right before training on the vote, over "
        f"{len(turns)} seed{'s' if len(turns) > 1 else ''}, {wrong} ({wrong / right:.1%}) turned "
        f"wrong, {sure} of them with {CONFIDENT:.0%} or more of the votes."
    )


def draw(results: Results, path: Path) -> None:
    """Draws every seed of every reward, and which votes turned."""
    names = known(results, REWARDS)
    figure = new_figure(10.5, 4.2)
    left, right = figure.subplots(1, 2)
    for place, name in enumerate(names):
        rows = list(results["runs"][name].values())
        means = [scores_of(row["measured"]["arithmetic end"]).mean() for row in rows]
        spots = place + np.linspace(-0.18, 0.18, len(means)) if len(means) > 1 else [place]
        left.plot(spots, means, "o", color=COLORS[name], markersize=6, alpha=0.8)
        left.plot([place - 0.3, place + 0.3], [np.mean(means)] * 2, color=COLORS[name], linewidth=2)
        turns = [turned_of(row, "arithmetic") for row in rows]
        up, down = ([each[turn] for each in turns] for turn in ("to_right", "to_wrong"))
        right.bar(place - 0.17, np.mean(up), 0.3, color="#1f7a4d", label="wrong to right")
        right.bar(place + 0.17, np.mean(down), 0.3, color="#b3261e", label="right to wrong")
        right.plot([place - 0.17] * len(up), up, ".", color=INK, markersize=4)
        right.plot([place + 0.17] * len(down), down, ".", color=INK, markersize=4)
    before = change_of(results, names[0], "arithmetic").before.mean
    left.axhline(before, color=INK, linestyle=":", linewidth=1, label="before training")
    k, size = results["options"]["eval_k"], results["options"]["size"]
    for axis, heading in (
        (left, f"mean@{k} of every seed"),
        (right, f"votes that turned, of {size}"),
    ):
        dress(axis)
        axis.set_xticks(range(len(names)), names)
        axis.set_title(heading, fontsize=10.5, loc="left", fontweight="bold")
    left.set_ylim(-0.02, 1.02)
    left.legend(fontsize=8.5, frameon=False, loc="lower left")
    handles, labels = right.get_legend_handles_labels()
    right.legend(handles[:2], labels[:2], fontsize=8.5, frameon=False)
    save(figure, path, "How far seeds spread", f"{setting_of(results)}; dots: seeds; bars: means")


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
