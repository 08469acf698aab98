"""The picture of a comparison: a panel for each score, a row for each thing compared.

- `Group`: rows under one heading, in one colour.
- `draw_scores`: draws the scores of `comparison.compare`.
- `PALETTE`: the colours of groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparison import Column, main_setting, measure_column

PALETTE = {
    "labels": "#1f7a4d",
    "votes": "#1f5fa8",
    "second opinion": "#6a4c9c",
    "around another": "#0f7c86",
    "certainty": "#b0561f",
    "control": "#5f6b78",
}
_INK = "#1f2933"


@dataclass(frozen=True)
class Group:
    """Rows of a picture under one heading.

    Attributes:
        heading: The heading.
        color: The colour of its rows.
        names: What was compared, from top to bottom.
        needs_labels: Whether its rows need labels; they are drawn hollow.
    """

    heading: str
    color: str
    names: tuple[str, ...]
    needs_labels: bool = False


def draw_scores(
    results: dict[str, Any],
    path: Path,
    *,
    title: str,
    groups: Sequence[Group],
    columns: Sequence[Column],
) -> None:
    """Draws the mean of each row with its interval, its seeds, and the score before training."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = sum(len(group.names) + 1 for group in groups)
    figure = Figure(figsize=(2.8 * len(columns) + 2, 1.5 + 0.3 * lines), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    ticks: list[tuple[int, str, str]] = []
    place = 0
    for group in groups:
        axes[0].text(
            -0.02,
            place,
            group.heading,
            transform=axes[0].get_yaxis_transform(),
            ha="right",
            va="center",
            fontweight="bold",
            fontsize=9,
            color=group.color,
        )
        for name in group.names:
            place -= 1
            ticks.append((place, name, group.color))
            for axis, column in zip(axes, columns, strict=True):
                _draw_row(axis, place, group, *measure_column(results, name, column))
        place -= 1
    k = results["options"]["eval_k"]
    for axis, column in zip(axes, columns, strict=True):
        before, _ = measure_column(results, None, column)
        axis.axvline(before.mean, color=_INK, linestyle=":", linewidth=1)
        axis.set_title(column.title(k), fontsize=11, loc="left", fontweight="bold")
        axis.set_xlabel("share of right answers", fontsize=9)
        axis.set_xlim(-0.03, 1.15)
        axis.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axis.set_ylim(place + 0.3, 0.7)
        axis.grid(alpha=0.25, axis="x")
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(axis="y", length=0)
    axes[0].set_yticks([tick[0] for tick in ticks], [tick[1] for tick in ticks], fontsize=9)
    for text, (_, _, color) in zip(axes[0].get_yticklabels(), ticks, strict=True):
        text.set_color(color)
    figure.suptitle(title, fontsize=13, fontweight="bold", x=0.01, ha="left")
    figure.supxlabel(
        f"{main_setting(results)}, or greedy. Diamond: mean over seeds, hollow if it needs labels; "
        "bar: 95 % interval over questions; dots: seeds; dotted line: before training",
        fontsize=9,
        x=0.01,
        ha="left",
    )
    figure.savefig(path, dpi=120)


def _draw_row(axis: Any, place: int, group: Group, interval: Any, seeds: list[float]) -> None:
    axis.plot([interval.low, interval.high], [place, place], color=group.color, linewidth=2)
    face = "white" if group.needs_labels else group.color
    axis.plot(interval.mean, place, "D", color=group.color, markerfacecolor=face, markersize=6)
    axis.plot(seeds, [place] * len(seeds), ".", color=_INK, markersize=4)
    axis.text(1.13, place, f"{interval.mean:.2f}", ha="right", va="center", fontsize=8)
