"""The picture of the collapse: what labels say of each run, and what the votes alone say.

- `draw`: a column for the healthy runs and one for the others, a row for each metric, a line for
  each seed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ttrl_agents.callbacks.collapse import CollapseThresholds

Series = npt.NDArray[np.float64]

WINDOW = CollapseThresholds().window
COLUMNS = {"healthy": "default learning rate", "rate": "5 × learning rate"}  # the settings drawn
ROWS = (
    ("ground_truth_ratio", "mean@16", True),
    ("label_accuracy", "right pseudo-labels", True),
    ("majority_ratio", "majority ratio", False),
    ("settled_drift", "settled drift", False),
    ("kl_start", "KL from the initial policy,\nover its entropy", False),
)
_LABELS, _VOTES, _ALARM = "#1f7a4d", "#1f5fa8", "#b3261e"
_TINT = "#eef4f0"


def draw(results: dict[str, Any], path: Path) -> None:
    """Draws every run, its first alarm, and which metrics need labels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    settings = [name for name in COLUMNS if name in results["runs"]]
    figure = Figure(figsize=(4.6 * len(settings) + 1.2, 11), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(ROWS), len(settings), sharex=True, sharey="row", squeeze=False)
    for column, setting in enumerate(settings):
        rows = results["runs"][setting].values()
        for axis, (name, label, needs_labels) in zip(axes[:, column], ROWS, strict=True):
            _dress(axis, label if column == 0 else None, needs_labels)
            for row in rows:
                _draw_run(axis, row, name, _LABELS if needs_labels else _VOTES)
            if name == "kl_start":
                _draw_limit(axis)
        alarmed = sum(bool(row["alarms"]) for row in rows)
        axes[0, column].set_title(
            f"{COLUMNS[setting]}: {alarmed} of {len(rows)} runs raise an alarm",
            fontsize=11,
            fontweight="bold",
            loc="left",
        )
        axes[-1, column].set_xlabel("training step", fontsize=9)
    options = results["options"]
    figure.suptitle(
        f"{options['model']}: each line is a run, a mean over {WINDOW} steps at T "
        f"{options['temperature']:g}, top-p 1; a red triangle is its first alarm",
        fontsize=11,
        x=0.01,
        ha="left",
    )
    figure.savefig(path, dpi=110)


def averaged(values: list[float | None]) -> Series:
    """Returns the means over the last steps; of what is not measured each step, where it is."""
    known = np.array([np.nan if value is None else value for value in values])
    means = np.full(len(known), np.nan)
    for end in range(WINDOW, len(known) + 1):
        part = known[end - WINDOW : end]
        if not np.isnan(part).all():
            means[end - 1] = np.nanmean(part)
    return means


def series_of(row: dict[str, Any], name: str) -> Series:
    """Returns what is drawn of a metric of a run."""
    means = averaged(row["series"][name])
    if name == "kl_start":
        means = means / averaged(row["series"]["entropy"])[WINDOW - 1]
    return means


def _draw_run(axis: Any, row: dict[str, Any], name: str, color: str) -> None:
    values = series_of(row, name)
    axis.plot(np.arange(1, len(values) + 1), values, color=color, linewidth=1.1, alpha=0.55)
    if row["alarms"]:
        step = row["alarms"][0][0]
        axis.plot(step, values[step - 1], "v", color=_ALARM, markersize=6, zorder=3)


def _draw_limit(axis: Any) -> None:
    limit = CollapseThresholds().kl_share
    axis.axhline(limit, color=_ALARM, linestyle=":", linewidth=1)
    axis.annotate(
        f"alarm from {limit:g}",
        (0, limit),
        xytext=(4, 3),
        textcoords="offset points",
        xycoords=axis.get_yaxis_transform(),
        fontsize=8,
        color=_ALARM,
    )


def _dress(axis: Any, label: str | None, needs_labels: bool) -> None:
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    if needs_labels:
        axis.set_facecolor(_TINT)
    if label is not None:
        axis.set_ylabel(label, fontsize=9)
        axis.text(
            0.98,
            0.5,
            "needs labels" if needs_labels else "label-free",
            transform=axis.transAxes,
            ha="right",
            va="center",
            fontsize=8,
            fontweight="bold",
            color=_LABELS if needs_labels else _VOTES,
        )
