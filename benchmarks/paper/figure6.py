"""The twin of Figure 6: maj@n for n from 1 to 64, before and after training.

    python benchmarks/paper/figure6.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/figure6.py --write      # and keeps the results in the documentation

The paper's point: the mean after training beats the vote before it, at which training aimed.

How runs are kept, shared and resumed is told in `twins.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from twin_pictures import COLORS, dress, new_figure, save
from twin_tables import (
    Results,
    by_seed,
    interval_of,
    known,
    label_of,
    legend,
    listed,
    markdown,
    seeds_of,
    setting_of,
)
from twins import Measure, Plan, Twin, main_of, plan_of

MODELS = ("tiny", "tiny-noisy")
REWARDS = ("majority", "random", "format_only")
SIZES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Options(Twin):
    """Measures votes of every size, before and after."""

    script = "benchmarks/paper/figure6.py"
    block = "figure6"

    votes: int = 64
    """Completions for each question."""

    @property
    def plans(self) -> Mapping[str, Plan]:
        """The runs: both models with every reward."""
        sizes = tuple(size for size in SIZES if size <= self.votes)
        measures = [Measure("arithmetic", step, self.votes, sizes) for step in (0, None)]
        return {
            f"{model} {reward}": plan_of(model, model, "arithmetic", *measures, reward=reward)
            for reward in REWARDS
            for model in MODELS
        }


def sizes_of(results: Results) -> list[str]:
    """Returns the sizes of groups that were kept, as text."""
    row = next(iter(next(iter(results["runs"].values())).values()))
    return list(row["measured"]["arithmetic 0"]["groups"])


def table(results: Results) -> str:
    """Returns the Markdown table, and whether the mean after beats the vote before."""
    sizes = sizes_of(results)
    heads = ["model, reward", "", *(f"maj@{size}" for size in sizes)]
    rows, verdicts = [], []
    for name in known(results, results["runs"]):
        model, reward = name.split()
        scores = {
            when: [
                interval_of(by_seed(results, name, f"arithmetic {label}", size)) for size in sizes
            ]
            for when, label in (("before", "0"), ("after", "end"))
        }
        title = label_of(results, name, f"`{model}`, `{reward}`")
        if reward == "majority":
            rows.append(
                [f"`{model}`", "before", *(f"{each.mean:.3f}" for each in scores["before"])]
            )
            verdicts.append(
                verdict(model, scores["after"][0].mean, scores["before"][-1].mean, sizes)
            )
        cells = [f"{each.mean:.3f} [{each.low:.2f}, {each.high:.2f}]" for each in scores["after"]]
        rows.append([title, "after", *cells])
    text = legend(results).replace("; below it the range over seeds", "")
    k = results["options"]["eval_k"]
    text = text.replace(f"with {k} completions", f"with {sizes[-1]} completions")
    more = (
        f"maj@n is the mean over the disjoint groups of n among these; maj@1 is mean@{sizes[-1]}."
    )
    return "\n\n".join([markdown(heads, rows), " ".join(verdicts), f"{text} {more}"])


def verdict(model: str, after: float, before: float, sizes: list[str]) -> str:
    """Returns whether the mean after training beats the vote before it, in words."""
    word = "beats" if after > before else "does not reach"
    return (
        f"`{model}`: mean@{sizes[-1]} after training, {after:.3f}, {word} maj@{sizes[-1]} before "
        f"it, {before:.3f}."
    )


def draw(results: Results, path: Path) -> None:
    """Draws the vote by its size, a panel for each model."""
    sizes = sizes_of(results)
    models = [model for model in MODELS if known(results, [f"{model} majority"])]
    figure = new_figure(5.4 * len(models) + 0.6, 4.6)
    axes = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    for axis, model in zip(axes, models, strict=True):
        dress(axis)
        _draw_votes(axis, results, f"{model} majority", "arithmetic 0", sizes, "#1f2933", "before")
        for reward in REWARDS:
            name = f"{model} {reward}"
            if name in results["runs"]:
                words = "after, the vote" if reward == "majority" else f"after, {reward}"
                _draw_votes(axis, results, name, "arithmetic end", sizes, COLORS[reward], words)
        vote = by_seed(results, f"{model} majority", "arithmetic 0", sizes[-1]).mean()
        axis.axhline(vote, color="#1f2933", linestyle=":", linewidth=1)
        axis.set_title(model, fontsize=10.5, loc="left", fontweight="bold")
        axis.set_xscale("log", base=2)
        axis.set_xticks([int(size) for size in sizes], sizes)
        axis.set_xlabel("votes n", fontsize=9)
        axis.set_ylim(-0.02, 1.02)
        axis.legend(fontsize=8.5, frameon=False, loc="lower right")
    axes[0].set_ylabel("maj@n", fontsize=9)
    save(
        figure,
        path,
        f"maj@n before and after training; maj@1 is mean@{sizes[-1]}",
        f"{setting_of(results)}; {listed(seeds_of(results))}; band: 95 % interval over questions; "
        f"dotted: maj@{sizes[-1]} before",
    )


def _draw_votes(
    axis: Any, results: Results, name: str, label: str, sizes: list[str], color: str, words: str
) -> None:
    intervals = [interval_of(by_seed(results, name, label, size)) for size in sizes]
    places = [int(size) for size in sizes]
    axis.fill_between(
        places,
        [each.low for each in intervals],
        [each.high for each in intervals],
        color=color,
        alpha=0.12,
    )
    axis.plot(
        places, [each.mean for each in intervals], "o-", color=color, label=words, markersize=4
    )


def main(options: Options) -> None:
    main_of(options, table, draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
