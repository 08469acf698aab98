"""The data of a report's charts: scores, curves, votes over time.

- `scores_of`: scores before and after, with intervals, by setting and level.
- `curves_of`: the metrics of each step, the evaluations beside them, the alarms.
- `votes_of`: the votes on each question, visit by visit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ttrl_agents.callbacks.evaluation_steps import step_of_evaluation
from ttrl_agents.evaluate.setting import SPLITS, SamplingSetting
from ttrl_agents.instruments.panels import PANELS, smooth
from ttrl_agents.report.subject import Measured, Subject
from ttrl_agents.report.verdict import SPLIT_WORDS
from ttrl_agents.run.votes import GroupVotes

__all__ = ["curves_of", "scores_of", "votes_of"]

_ANSWERS_OF_A_VISIT = 6
_LONGEST_ANSWER = 80


def scores_of(subjects: Sequence[Subject]) -> list[dict[str, Any]]:
    """Returns the scores at each setting, a row for each score and split.

    A point is the score of one evaluation: of which subject, at which moment, its mean and, where
    there is one, its interval.
    """
    settings = dict.fromkeys(setting for each in subjects for setting in each.settings)
    return [
        {
            "setting": setting.title,
            "rows": list(_rows(subjects, setting, None)),
            "levels": [
                {"level": level, "rows": rows}
                for level in _levels(subjects, setting)
                if (rows := list(_rows(subjects, setting, level)))
            ],
        }
        for setting in settings
    ]


def _rows(
    subjects: Sequence[Subject], setting: SamplingSetting, level: str | None
) -> Iterator[dict[str, Any]]:
    for split in ("", *SPLITS):
        names = dict.fromkeys(
            name
            for _, measured in _at(subjects, setting, split)
            for name in _names(measured, whole=level is None)
        )
        for name in names:
            points = []
            for who, measured in _at(subjects, setting, split):
                scores = measured.summary
                if level is not None:
                    scores = scores["levels"].get(level, {})
                if name in scores:
                    low, high = scores.get(name + "_ci95", (None, None))
                    points.append(
                        {
                            "subject": who,
                            "moment": measured.moment,
                            "mean": scores[name],
                            "low": low,
                            "high": high,
                        }
                    )
            if points:
                asked = "" if split == "" else SPLIT_WORDS[split]
                yield {"name": name.replace("_", " "), "asked": asked, "points": points}


def _names(measured: Measured, *, whole: bool) -> list[str]:
    """The scores to show: all of the whole, mean@k and maj@k of a level, or the agreement."""
    greedy = measured.setting.greedy
    if not measured.evaluation.graded:
        return [] if greedy else ["majority_ratio"]
    names = [f"{score}@{measured.evaluation.k}" for score in ("mean", "maj", "pass")]
    return names[:1] if greedy else names if whole else names[:2]


def _at(
    subjects: Sequence[Subject], setting: SamplingSetting, split: str
) -> Iterator[tuple[int, Measured]]:
    for who, subject in enumerate(subjects):
        for measured in subject.measured:
            if measured.setting == setting and measured.split == split:
                yield who, measured


def _levels(subjects: Sequence[Subject], setting: SamplingSetting) -> list[str]:
    levels = {
        level
        for subject in subjects
        for measured in subject.measured
        if measured.setting == setting
        for level in measured.summary["levels"]
    }
    return sorted(levels, key=int) if len(levels) > 1 else []


def curves_of(subjects: Sequence[Subject]) -> dict[str, Any]:
    """Returns the panels, and for each run its metrics, evaluations and alarms."""
    runs = [subject for subject in subjects if subject.is_run]
    return {
        "panels": [asdict(panel) for panel in PANELS],
        "runs": [_curves(subject) for subject in runs],
    }


def _curves(subject: Subject) -> dict[str, Any]:
    keys = dict.fromkeys(key for panel in PANELS for key, _ in panel.curves)
    columns = {key: _curve(subject, key) for key in keys}
    return {
        "name": subject.name,
        "k": subject.config["n_votes"],
        "temperature": subject.config["temperature"],
        "planned": subject.config["steps"],
        "steps": [row["step"] for row in subject.metrics],
        "metrics": {key: curve for key, curve in columns.items() if curve is not None},
        "evaluations": list(_points(subject)),
        "alarms": subject.summary["alarms"],
    }


def _curve(subject: Subject, key: str) -> dict[str, list[float | None]] | None:
    """The values of a metric and their moving mean, a value a step; `None` if none is known."""
    values = [row.get(key) for row in subject.metrics]
    known = [place for place, value in enumerate(values) if value is not None]
    means = smooth([value for value in values if value is not None])
    at = dict(zip(known, means, strict=True))
    if not known:
        return None
    return {"steps": values, "mean": [at.get(place) for place in range(len(values))]}


def _points(subject: Subject) -> Iterator[dict[str, Any]]:
    """Yields the scores of the evaluations at the main setting, by step."""
    summary = subject.summary
    moments = {"before": summary["before"], **summary["during"], "after": summary["after"]}
    for name, scores_by_split in moments.items():
        step = step_of_evaluation(name, int(summary["steps"]))
        for split in SPLITS:
            scores: Mapping[str, Any] = scores_by_split[split] or {}
            for score in ("mean", "maj"):
                key = next((each for each in scores if each.startswith(score + "@")), None)
                if key is not None:
                    low, high = scores[key + "_ci95"]
                    yield {
                        "step": step,
                        "score": score,
                        "split": split,
                        "name": f"{key}, {SPLIT_WORDS[split]}, {SamplingSetting.of(scores).title}",
                        "mean": scores[key],
                        "low": low,
                        "high": high,
                    }


def votes_of(subject: Subject) -> list[dict[str, Any]]:
    """Returns the questions of a run, each with the votes of its visits in their order."""
    visits: dict[str, list[dict[str, Any]]] = {}
    for group in subject.votes:
        visits.setdefault(group.question_id, []).append(_visit(group))
    return [{"id": question, "visits": each} for question, each in visits.items()]


def _visit(group: GroupVotes) -> dict[str, Any]:
    """Returns one visit; of many answers only the most frequent, of long ones the beginning."""
    ranked = sorted(range(len(group.answers)), key=lambda place: -group.answers[place].count)
    elected = group.majority if group.pseudo_label is None else group.pseudo_label
    shown = [group.answers[place] for place in ranked[:_ANSWERS_OF_A_VISIT]]
    return {
        "step": group.step,
        "share": round(group.majority_ratio, 4),
        "right": group.label_accuracy,
        "flip": group.flip,
        "abstained": group.abstained,
        "answer": None if elected is None else _short(group.answers[elected].answer),
        "elected": group.pseudo_label is not None,
        "place": None if elected is None else ranked.index(elected),
        "tally": [[_short(each.answer), each.count] for each in shown],
        "others": len(group.votes) - group.absent - sum(each.count for each in shown),
        "absent": group.absent,
        "votes": len(group.votes),
        "reward": round(sum(group.rewards) / max(1, len(group.rewards)), 4),
    }


def _short(answer: str) -> str:
    return answer if len(answer) <= _LONGEST_ANSWER else answer[: _LONGEST_ANSWER - 1] + "…"
