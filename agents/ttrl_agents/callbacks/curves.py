"""The picture of a run: its metrics over the training steps, and its scores before and after.

- `CurvesCallback`: draws it when the run ends.
- `draw_curves`: draws it from a run directory.

Two rows of panels: what needs no label, and what compares with labels. Without labels there is
only the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ttrl_agents.callbacks.at_end import WritesAtEnd
from ttrl_agents.callbacks.evaluation_steps import step_of_evaluation
from ttrl_agents.evaluate.setting import SPLITS, SamplingSetting
from ttrl_agents.instruments.panels import PANELS, Panel, smooth
from ttrl_agents.run.folder import METRICS, SUMMARY, check_lines
from ttrl_benchmarks.printable import counted
from ttrl_env.files import parse_json

__all__ = ["CurvesCallback", "draw_curves"]

Rows = Sequence[Mapping[str, Any]]

_COLORS = ("#1f62b0", "#076b5a", "#7a5ab8")
_SPLIT_STYLES = {
    "train": ("#1f62b0", "o", "trained questions"),
    "held_out": ("#a34c0a", "s", "held-out questions"),
}
_ALARM, _INK, _DIM, _LINE = "#b3261e", "#18222d", "#57636f", "#dfe4ea"
_PER_ROW = 4
_FREE = [panel for panel in PANELS if not panel.needs_labels][:_PER_ROW]
_LABELLED = [panel for panel in PANELS if panel.needs_labels]


class CurvesCallback(WritesAtEnd):
    """Draws `curves.png` into the run directory when the run ends."""

    def write(self, folder: Path) -> None:
        """Draws."""
        draw_curves(folder)


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

    rows: list[dict[str, Any]] = list(check_lines(folder / METRICS, parse_json))
    summary = parse_json((folder / SUMMARY).read_text(encoding="utf-8"))
    graded = bool(_scores(summary["before"]) or _scores(summary["after"])) or any(
        row.get("label_accuracy") is not None for row in rows
    )
    figure = Figure(figsize=(15.6, 8.2 if graded else 4.7), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.09, wspace=0.02)  # type: ignore[union-attr,call-arg]
    parts = figure.subfigures(2 if graded else 1, 1, squeeze=False, hspace=0.03)[:, 0]
    _draw_row(parts[0], "What needs no label", _FREE, rows, summary)
    if graded:
        axes = _draw_row(parts[1], "What compares with labels", _LABELLED, rows, summary)
        _draw_before_after(axes[-1], summary)
    alarms = f" · {counted(len(summary['alarms']), 'alarm')}" if summary["alarms"] else ""
    figure.suptitle(
        f"{summary['model']} on {summary['env_id']} · reward {summary['reward']} · "
        f"seed {summary['seed']}{alarms}",
        fontsize=14,
        fontweight="bold",
        color=_INK,
        x=0.01,
        ha="left",
        parse_math=False,  # a path may hold dollar signs
    )
    figure.legend(
        handles=_keys(summary),
        loc="outside lower center",
        ncols=4 if len(summary["alarms"]) == 0 else 3,
        frameon=False,
        fontsize=9.5,
        labelcolor=_INK,
    )
    path = folder / "curves.png"
    figure.savefig(path, dpi=110)
    return path


def _draw_row(
    part: Any, title: str, panels: Sequence[Panel], rows: Rows, summary: Mapping[str, Any]
) -> Any:
    """Draws one row of panels and returns its axes."""
    part.suptitle(title, fontsize=11.5, color=_DIM, x=0.01, ha="left")
    axes = part.subplots(1, _PER_ROW)
    for axis, panel in zip(axes, panels, strict=False):
        _style(axis, panel.title.replace("@k", f"@{_votes(summary)}"), panel.what)
        _draw_curves(axis, panel, rows)
        for place, alarm in enumerate(summary["alarms"]):
            _mark_alarm(axis, alarm, place)
        if panel.score:
            _mark_evaluations(axis, summary, panel.score)
        axis.set_xlim(0, max(1, summary["steps"]))
        axis.set_xlabel("training step", fontsize=9, color=_DIM)
        if panel.share:
            axis.set_ylim(0, 1.03)
        else:
            axis.set_ylim(bottom=0)
    return axes


def _style(axis: Any, title: str, what: str) -> None:
    axis.set_title(f"{title}\n", fontsize=11.5, fontweight="bold", loc="left", color=_INK, pad=4)
    axis.text(0, 1.03, what, fontsize=9, color=_DIM, transform=axis.transAxes)
    axis.grid(color=_LINE, linewidth=0.8)
    axis.set_axisbelow(True)
    axis.tick_params(colors=_DIM, labelsize=9, length=0)
    for side, spine in axis.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(_LINE)


def _draw_curves(axis: Any, panel: Panel, rows: Rows) -> None:
    """Draws the metrics of a panel, raw and smoothed, or says that there are none."""
    drawn = False
    for (key, name), color in zip(panel.curves, _COLORS, strict=False):
        known = [(row["step"], row[key]) for row in rows if row.get(key) is not None]
        if not known:
            continue
        drawn = True
        steps, values = zip(*known, strict=True)
        axis.plot(steps, values, color=color, alpha=0.25, linewidth=1)
        axis.plot(steps, smooth(values), color=color, linewidth=2.2, label=name or None)
    if not drawn and not panel.score:
        axis.text(0.5, 0.5, "not measured", ha="center", color=_DIM, transform=axis.transAxes)
    if drawn and len(panel.curves) > 1:
        axis.legend(fontsize=9, loc="best", framealpha=0.9, edgecolor="none")


def _mark_alarm(axis: Any, alarm: Mapping[str, Any], place: int) -> None:
    axis.axvline(alarm["step"], color=_ALARM, linewidth=1.1, linestyle=(0, (4, 3)))
    axis.annotate(
        f" {alarm['kind']}",
        (alarm["step"], 0.98 - 0.07 * (place % 4)),
        xycoords=axis.get_xaxis_transform(),
        fontsize=8,
        color=_ALARM,
        va="top",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
    )


def _mark_evaluations(axis: Any, summary: Mapping[str, Any], score: str) -> None:
    """Draws a point with its 95 % interval wherever the run was evaluated."""
    measured = {"before": summary["before"], **summary["during"], "after": summary["after"]}
    shift = max(1, summary["steps"]) / 120
    for split, (color, marker, _) in _SPLIT_STYLES.items():
        points = []
        for name, scores in measured.items():
            each = scores[split] or {}
            key = next((key for key in each if key.startswith(score + "@")), None)
            if key is not None:
                step = step_of_evaluation(name, summary["steps"])
                points.append((step, each[key], *each[key + "_ci95"]))
        for step, mean, low, high in sorted(points):
            axis.errorbar(
                step + (shift if split == "held_out" else -shift),
                mean,
                yerr=[[mean - low], [high - mean]],
                color=color,
                marker=marker,
                markerfacecolor=color if split == "train" else "white",
                markersize=6,
                capsize=0,
                linewidth=1.6,
                clip_on=False,
                zorder=4,
            )


def _draw_before_after(axis: Any, summary: Mapping[str, Any]) -> None:
    """Draws each score before and after, with its 95 % interval."""
    before, after = summary["before"], summary["after"]
    known = _scores(before) or _scores(after)
    title = SamplingSetting.of(known[0]).title if known else ""
    _style(axis, "Before → after", f"all questions, {title}, 95 % intervals")
    names: list[str] = []
    for split, (color, _, words) in _SPLIT_STYLES.items():
        for score in ("mean", "maj", "pass"):
            ends = [_score(moment[split], score) for moment in (before, after)]
            if ends == [None, None]:
                continue
            height = -len(names)
            shown = next(end for end in ends if end is not None)
            names.append(f"{shown[0]}, {words.split()[0]}")
            for end, lift, filled in zip(ends, (0.14, -0.14), (False, True), strict=True):
                if end is None:
                    continue
                _, mean, low, high = end
                axis.plot([low, high], [height + lift] * 2, color=color, linewidth=2, alpha=0.55)
                face = color if filled else "white"
                axis.plot(mean, height + lift, "o", color=color, markerfacecolor=face, markersize=7)
    axis.set_yticks([-place for place in range(len(names))], names, fontsize=9.5, color=_INK)
    axis.set_ylim(-len(names) + 0.4, 0.6)
    axis.set_xlim(0, 1.02)
    axis.set_xlabel("share right; hollow: before, filled: after", fontsize=9, color=_DIM)


def _keys(summary: Mapping[str, Any]) -> list[Any]:
    """The legend of the whole picture."""
    from matplotlib.lines import Line2D

    color = _COLORS[0]
    keys: list[Any] = [
        Line2D([], [], color=color, alpha=0.3, linewidth=1),
        Line2D([], [], color=color, linewidth=2.2),
    ]
    at = f"T {summary['temperature']:g}, top-p 1"
    words = [f"faint: each step, {at}", "bold: moving mean over a tenth of the run"]
    for split, (tint, marker, name) in _SPLIT_STYLES.items():
        scores = [moment[split] for moment in (summary["before"], summary["after"])]
        if any(_score(each, "mean") for each in scores):
            face = tint if split == "train" else "white"
            keys.append(Line2D([], [], color=tint, marker=marker, markerfacecolor=face, ls="none"))
            at = SamplingSetting.of(next(filter(None, scores))).title
            words.append(f"all {name}, {at}, with 95 % interval")
    if summary["alarms"]:
        keys.append(Line2D([], [], color=_ALARM, linewidth=1.1, linestyle=(0, (4, 3))))
        words.append("an alarm")
    for key, text in zip(keys, words, strict=True):
        key.set_label(text)
    return keys


def _scores(moment: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The scores of a moment at the main setting, of those splits that have a label."""
    return [moment[split] for split in SPLITS if _score(moment[split], "mean")]


def _score(scores: Mapping[str, Any] | None, name: str) -> tuple[str, float, float, float] | None:
    """A score with its name and interval, if there is one."""
    key = next((each for each in scores or {} if each.startswith(name + "@")), None)
    if scores is None or key is None:
        return None
    return key, scores[key], *scores[key + "_ci95"]


def _votes(summary: Mapping[str, Any]) -> str:
    """The k of mean@k, from whichever questions were measured."""
    moments = (summary["before"], summary["after"], *summary["during"].values())
    names = (name for moment in moments for split in SPLITS for name in moment[split] or ())
    return next((name.split("@")[1] for name in names if name.startswith("mean@")), "k")
