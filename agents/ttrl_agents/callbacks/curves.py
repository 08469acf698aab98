"""The plot of a run: its metrics over the training steps.

- `CurvesCallback`: draws it when the run ends.
- `draw_curves`: draws it from a run directory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ttrl_agents.callbacks.base import Callback, Run
from ttrl_agents.evaluate.setting import SPLITS, SamplingSetting
from ttrl_agents.run.folder import check_lines
from ttrl_env.files import parse_json
from ttrl_env.wrappers.label_metrics import METRICS as LABEL_METRICS

__all__ = ["CurvesCallback", "draw_curves"]

_TRAIN, _HELD_OUT, _ALARM = "#1f5fa8", "#d1731c", "#b02a2a"


class CurvesCallback(Callback):
    """Draws `curves.png` into the run directory when the run ends."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def on_start(self, run: Run) -> None:
        """Remembers where to draw."""
        self._folder = run.folder

    def on_end(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - read from the folder
        """Draws."""
        if self._folder is not None:
            draw_curves(self._folder)


def draw_curves(folder: Path) -> Path:
    """Draws the curves of a run from its metrics and its summary.

    Args:
        folder: The run directory.

    Returns:
        The picture, `curves.png` in that folder.
    """
    # Imported here, since it takes a second and `ttrl --help` does not need it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    metrics = folder / "metrics.jsonl"  # which a run of no steps does not have
    rows = list(check_lines(metrics, parse_json))
    summary = parse_json((folder / "summary.json").read_text(encoding="utf-8"))
    k = _votes(summary)
    in_training = f"in training, T {summary['temperature']:g}, top-p 1"
    panels = (
        ("majority_ratio", "Majority ratio", "share of votes for the winner", None),
        ("label_accuracy", "Label accuracy", "pseudo-labels that are right", None),
        ("reward_accuracy", "Reward accuracy", "rewards that are right", None),
        ("ground_truth_ratio", f"mean@{k}", "share of right answers", f"mean@{k}"),
        ("majority_accuracy", f"maj@{k}", "questions the vote gets right", f"maj@{k}"),
        ("entropy", "Entropy", "nats per token", None),
        ("flip_rate", "Flip rate", "pseudo-labels that changed", None),
        ("distinct_winners", "Distinct winners", "share of the step's winners", None),
        ("kl_start", "KL to the start", "nats per token", None),
    )
    figure = Figure(figsize=(12, 9.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(3, 3, sharex=True)
    for axis, (key, title, label, measured) in zip(axes.flat, panels, strict=True):
        axis.set_title(title, fontsize=12, fontweight="bold", loc="left")
        axis.set_ylabel(label, fontsize=9)
        _draw_metric(axis, rows, key, in_training)
        for alarm in summary.get("alarms", []):
            axis.axvline(alarm["step"], color=_ALARM, linewidth=1, linestyle="--")
        if measured is not None:
            _mark_evaluations(axis, summary, measured)
        if key in ("entropy", "kl_start"):
            axis.set_ylim(bottom=0)
        else:
            axis.set_ylim(-0.02, 1.02)
    for axis in axes[-1]:
        axis.set_xlabel("training step", fontsize=9)
    handles, labels = axes[1, 0].get_legend_handles_labels()
    if handles:
        axes[1, 0].legend(handles, labels, fontsize=8, loc="lower right")
    alarms = ", dashed: an alarm" if summary.get("alarms") else ""
    figure.suptitle(
        f"{summary['model']} on {summary['env_id']}, reward: {summary['reward']}, "
        f"seed {summary['seed']}{alarms}",
        fontsize=13,
        parse_math=False,  # a path may hold dollar signs
    )
    path = folder / "curves.png"
    figure.savefig(path, dpi=130)
    return path


def _draw_metric(axis: Any, rows: list[dict[str, Any]], key: str, label: str) -> None:
    """Draws one metric of the training steps, raw and smoothed, or says why there is none."""
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    points = [(row["step"], row[key]) for row in rows if row.get(key) is not None]
    if points:
        steps, values = map(np.array, zip(*points, strict=True))
        axis.plot(steps, values, color=_TRAIN, alpha=0.25, linewidth=1)
        axis.plot(steps, _smooth(values), color=_TRAIN, linewidth=2, label=label)
    else:
        words = "needs labels" if key in LABEL_METRICS else "not measured"
        axis.text(0.5, 0.5, words, ha="center", va="center", transform=axis.transAxes)


def _mark_evaluations(axis: Any, summary: dict[str, Any], metric: str) -> None:
    """Dots with their 95 % intervals where the run was measured."""
    measured = [(0, summary["before"]), (summary["steps"], summary["after"])]
    measured += [(int(name.split()[1]), each) for name, each in summary["during"].items()]
    for split, color, words in (
        ("train", _TRAIN, "trained questions"),
        ("held_out", _HELD_OUT, "held-out questions"),
    ):
        # Questions without a label have no scores.
        graded = [(step, each[split]) for step, each in measured if metric in (each[split] or {})]
        points = sorted(graded, key=lambda point: point[0])
        if not points:
            continue
        setting = SamplingSetting.of(points[0][1])
        steps = [step for step, _ in points]
        means = np.array([each[metric] for _, each in points])
        low, high = np.array([each[metric + "_ci95"] for _, each in points]).T
        axis.errorbar(
            steps,
            means,
            yerr=(means - low, high - means),
            color=color,
            marker="o",
            linestyle=":" if len(points) > 2 else "none",  # two points are not a curve
            capsize=3,
            label=f"{words}, {setting.title}",
        )


def _votes(summary: dict[str, Any]) -> str:
    """The k of mean@k, from whichever questions were measured."""
    moments = (summary["before"], summary["after"], *summary["during"].values())
    names = (name for moment in moments for split in SPLITS for name in moment[split] or ())
    return next((name.split("@")[1] for name in names if name.startswith("mean@")), "k")


def _smooth(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A moving average over about a tenth of the run, without lag and without padding."""
    half = max(1, len(values) // 20)
    return np.array([values[max(0, i - half) : i + half + 1].mean() for i in range(len(values))])
