"""What a report is about: a run or an evaluation, as its folder holds it.

- `Subject`: everything that was read of one.
- `Measured`: one of its evaluations, with all completions.
- `read_subject`: reads it; nothing in the folder is changed, so a run may still be in progress.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.evaluation import Evaluation
from ttrl_agents.evaluate.folder import EvaluationFolder
from ttrl_agents.evaluate.setting import SPLITS, SamplingSetting
from ttrl_agents.run.folder import CONFIG, METRICS, SUMMARY, VOTES, check_lines
from ttrl_agents.run.provenance import read_provenance
from ttrl_agents.run.votes import GroupVotes, read_votes
from ttrl_env.files import parse_json

__all__ = ["Measured", "Subject", "read_subject"]

_STATE = re.compile(r"step-\d{6,}")
_NOTHING: dict[str, Any] = dict.fromkeys(SPLITS)


@dataclass(frozen=True)
class Measured:
    """One evaluation of a subject.

    Attributes:
        moment: `"before"` or `"after"` training; `""` for `ttrl eval`.
        split: `"train"` or `"held_out"`; `""` for `ttrl eval`.
        setting: How its completions were sampled.
        config: Its options and fingerprints.
        summary: Its scores.
        evaluation: Its completions.
    """

    moment: str
    split: str
    setting: SamplingSetting
    config: dict[str, Any]
    summary: dict[str, Any]
    evaluation: Evaluation

    @property
    def id(self) -> str:
        """A name that no other evaluation of the subject has."""
        return "/".join(filter(None, (self.moment, self.split, self.setting.name)))


@dataclass(frozen=True)
class Subject:
    """A run or an evaluation.

    Attributes:
        path: Its folder.
        is_run: Whether it is a training run.
        config: Its options.
        summary: The content of `summary.json`; of a run in progress, what its checkpoints say.
        finished: Whether it has ended.
        metrics: The metrics of each step.
        votes: The votes of each group of each step.
        measured: Its evaluations.
        starts: Its command and versions, one for each time it was started.
    """

    path: Path
    is_run: bool
    config: dict[str, Any]
    summary: dict[str, Any]
    finished: bool
    metrics: list[dict[str, Any]]
    votes: list[GroupVotes]
    measured: tuple[Measured, ...]
    starts: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.path.resolve().name

    @property
    def steps_done(self) -> int:
        """The training steps that are done."""
        return max((int(row["step"]) for row in self.metrics), default=0)

    @property
    def settings(self) -> tuple[SamplingSetting, ...]:
        """How its evaluations were sampled, the main setting first."""
        return tuple(dict.fromkeys(each.setting for each in self.measured))

    def find(self, moment: str, split: str, setting: SamplingSetting) -> Measured | None:
        """Returns one of its evaluations, or `None`."""
        for each in self.measured:
            if (each.moment, each.split, each.setting) == (moment, split, setting):
                return each
        return None


def read_subject(path: Path) -> Subject:
    """Reads a run or an evaluation.

    Args:
        path: The directory of a run, finished or not, or the output folder of `ttrl eval`.

    Raises:
        AgentError: There is neither, or a file is damaged.
    """
    if not path.is_dir():
        raise AgentError(f"There is no folder {path}. Name the directory of a run.")
    if (path / "completions.jsonl").is_file():
        return _read_evaluation(path)
    config = _read_json(path / CONFIG) if (path / CONFIG).is_file() else {}
    if "n_votes" not in config:
        raise AgentError(
            f"{path} holds neither a run of ttrl train nor an evaluation of ttrl eval. Name one of "
            "these folders."
        )
    metrics = list(check_lines(path / METRICS, _row))
    finished = (path / SUMMARY).is_file()
    return Subject(
        path=path,
        is_run=True,
        config=config,
        summary=_read_json(path / SUMMARY) if finished else _so_far(path, config, metrics),
        finished=finished,
        metrics=metrics,
        votes=read_votes(path) if (path / VOTES).is_file() else [],
        measured=tuple(_measured_in(path / "evaluations")),
        starts=read_provenance(path),
    )


def _read_evaluation(path: Path) -> Subject:
    measured = _read_measured(path, "", "")
    return Subject(
        path=path,
        is_run=False,
        config=measured.config,
        summary=measured.summary,
        finished=True,
        metrics=[],
        votes=[],
        measured=(measured,),
        starts=read_provenance(path),
    )


def _measured_in(folder: Path) -> Iterator[Measured]:
    """Yields the evaluations of a run: before those after, the main setting first."""
    for moment in ("before", "after"):
        places = [folder / moment]
        if places[0].is_dir():
            others = (each for each in sorted(places[0].iterdir()) if each.name not in SPLITS)
            places += [each for each in others if each.is_dir() and not each.name.startswith(".")]
        for place in places:
            for split in SPLITS:
                if EvaluationFolder(place / split).complete:
                    yield _read_measured(place / split, moment, split)


def _read_measured(path: Path, moment: str, split: str) -> Measured:
    folder = EvaluationFolder(path)
    evaluation, config = folder.read(), folder.config()
    return Measured(
        moment=moment,
        split=split,
        setting=SamplingSetting.of(config),
        config=config,
        summary=_read_json(folder.summary_path),
        evaluation=evaluation,
    )


def _so_far(path: Path, config: dict[str, Any], metrics: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns what `summary.json` would say of a run that has not ended."""
    folder = path / "checkpoints"
    states = sorted(each for each in folder.glob("step-*") if _STATE.fullmatch(each.name))
    state = _read_json(states[-1] / "trainer.json") if states else {}
    evaluations = state.get("evaluations", {})
    return {
        **{name: config[name] for name in ("model", "reward", "seed", "temperature")},
        "env_id": config["env"],
        "steps": max((row["step"] for row in metrics), default=0),
        "seconds": sum(row.get("seconds") or 0.0 for row in metrics),
        "before": evaluations.get("before", _NOTHING),
        "after": evaluations.get("after", _NOTHING),
        "during": {
            name: each for name, each in evaluations.items() if name not in ("before", "after")
        },
        "turned": _NOTHING,
        "votes": _NOTHING,
        "alarms": state.get("alarms", []),
        "stopped": state.get("stopped", False),
    }


def _row(line: str) -> dict[str, Any]:
    row = parse_json(line)
    if type(row["step"]) is not int:
        raise ValueError(f"the step is {row['step']!r}")
    return dict(row)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AgentError(f"{path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise AgentError(f"{path} does not hold an object of JSON.")
    return values
