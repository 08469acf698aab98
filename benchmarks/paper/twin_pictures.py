"""The pictures of the twins: changes as arrows, curves over training.

- `Arrow`, `draw_arrows`: a score before and after, a row for each run, a panel for each set.
- `Curve`, `draw_curves`: metrics over training steps, a thin line for each seed.
- `new_figure`, `save`, `dress`, `COLORS`: what the other pictures share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from score_picture import PALETTE
from twin_tables import Change

COLORS = {
    "majority": PALETTE["votes"],
    "oracle": PALETTE["labels"],
    "random": "#b0561f",
    "format_only": "#8a94a0",
}
LINES = ("#1f5fa8", "#b0561f", "#1f7a4d", "#6a4c9c", "#0f7c86", "#a8323e")
INK = "#1f2933"
NARROWEST = 9.0  # inches, for a title on one line


@dataclass(frozen=True)
class Arrow:
    """A score before and after, as a row of a picture.

    Attributes:
        title: Of its row; those of one title lie side by side in all panels.
        color: Its colour.
        change: The score.
    """

    title: str
    color: str
    change: Change


@dataclass(frozen=True)
class Curve:
    """A metric over training.

    Attributes:
        title: In the key.
        color: Its colour.
        seeds: Its values by seed and step.
        steps: The steps.
        low: The lower end of its interval, if it has one.
        high: The upper end.
        dashed: Whether it is dashed.
    """

    title: str
    color: str
    seeds: npt.NDArray[np.float64]
    steps: Sequence[int]
    low: npt.NDArray[np.float64] | None = None
    high: npt.NDArray[np.float64] | None = None
    dashed: bool = False


def new_figure(width: float, height: float) -> Any:
    """Returns an empty figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Any, path: Path, title: str, note: str) -> None:
    """Writes a figure with its title and the sentence below."""
    figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
    figure.supxlabel(note, fontsize=8.5, x=0.01, ha="left")
    figure.savefig(path, dpi=120)


def dress(axis: Any) -> None:
    """Removes what a panel does not need."""
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=9)


def draw_arrows(
    panels: Mapping[str, Sequence[Arrow]], path: Path, *, title: str, note: str, score: str
) -> None:
    """Draws scores before and after: a panel for each heading, a row for each arrow."""
    colors: dict[str, str] = {}
    for arrow in (each for arrows in panels.values() for each in arrows):
        known = colors.setdefault(arrow.title, arrow.color)
        colors[arrow.title] = known if known == arrow.color else INK
    places = {each: -place for place, each in enumerate(colors)}
    rows = len(places)
    figure = new_figure(max(NARROWEST, 3.4 * len(panels) + 2), 1.7 + 0.36 * rows)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (heading, arrows) in zip(axes, panels.items(), strict=True):
        dress(axis)
        for arrow in arrows:
            _draw_arrow(axis, places[arrow.title], arrow)
        axis.set_title(heading, fontsize=10.5, loc="left", fontweight="bold")
        axis.set_xlabel(score, fontsize=9)
        axis.set_xlim(-0.04, 1.18)
        axis.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axis.tick_params(axis="y", length=0)
    axes[0].set_yticks(list(places.values()), list(places))
    for text, color in zip(axes[0].get_yticklabels(), colors.values(), strict=True):
        text.set_color(color)
    axes[0].set_ylim(-rows + 0.4, 0.6)
    save(figure, path, title, note)


def _draw_arrow(axis: Any, place: float, arrow: Arrow) -> None:
    change, color = arrow.change, arrow.color
    axis.plot([change.before.mean, change.after.mean], [place, place], color=color, alpha=0.3)
    axis.plot([change.after.low, change.after.high], [place, place], color=color, linewidth=2.4)
    axis.plot(change.before.mean, place, "o", color=color, markerfacecolor="white", markersize=6)
    axis.plot(change.after.mean, place, "D", color=color, markersize=6)
    axis.plot(change.seeds, [place - 0.22] * len(change.seeds), ".", color=INK, markersize=3.5)
    axis.text(1.17, place, f"{change.after.mean:.2f}", ha="right", va="center", fontsize=8)


_MOST_INSIDE = 6  # names of curves; more would cover them


def draw_curves(
    panels: Mapping[str, Sequence[Curve]], path: Path, *, title: str, note: str, columns: int = 2
) -> None:
    """Draws curves: a panel for each heading, bold the mean over seeds, thin each seed."""
    columns = min(columns, len(panels))
    lines = -(-len(panels) // columns)
    figure = new_figure(5.4 * columns + 0.6, 3.7 * lines + 0.8)
    axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axis, (heading, curves) in zip(axes, panels.items(), strict=False):
        dress(axis)
        for curve in curves:
            _draw_curve(axis, curve)
        axis.set_title(heading, fontsize=10.5, loc="left", fontweight="bold")
        axis.set_ylim(-0.02, 1.02)
        axis.set_xlabel("training step", fontsize=9)
        crowded = len(curves) > _MOST_INSIDE
        place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if crowded else {"loc": "best"}
        axis.legend(fontsize=8.5, frameon=False, **place)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    save(figure, path, title, note)


def _draw_curve(axis: Any, curve: Curve) -> None:
    style = "--" if curve.dashed else "-"
    if len(curve.seeds) > 1:
        for values in curve.seeds:
            axis.plot(curve.steps, values, style, color=curve.color, linewidth=0.7, alpha=0.35)
    if curve.low is not None and curve.high is not None:
        axis.fill_between(curve.steps, curve.low, curve.high, color=curve.color, alpha=0.13)
    mean = np.mean(curve.seeds, axis=0)
    axis.plot(curve.steps, mean, style, color=curve.color, linewidth=2.2, label=curve.title)


def smoothed(values: Sequence[float | None], window: int = 5) -> npt.NDArray[np.float64]:
    """Returns the means over the last steps, of fewer at the beginning."""
    known = np.array([np.nan if value is None else value for value in values], np.float64)
    return np.array(
        [np.nanmean(known[max(0, end - window) : end]) for end in range(1, len(known) + 1)]
    )


def curve_of(
    results: dict[str, Any], name: str, metric: str, title: str, color: str, *, dashed: bool = False
) -> Curve:
    """Returns a metric of the training steps, smoothed, by seed."""
    rows = results["runs"][name].values()
    seeds = np.stack([smoothed(row["series"][metric]) for row in rows])
    return Curve(title, color, seeds, range(1, seeds.shape[1] + 1), dashed=dashed)
