"""The base class of logs that cannot take anything back.

- `LoggedOnce`: logs every step, sample, evaluation and alarm of a run once, also if it is resumed.

`logged.json` in the log's folder of the run records what was logged: steps that are repeated after
a kill are not logged again (they are the same, bit for bit, except for how long they took).
"""

from __future__ import annotations

import json
import math
import secrets
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from ttrl_agents.callbacks.base import Callback, Run
from ttrl_agents.callbacks.evaluation_steps import evaluation_scores, step_of_evaluation
from ttrl_agents.callbacks.samples import sample_text
from ttrl_agents.errors import AgentError
from ttrl_agents.instruments.collapse import Alarm
from ttrl_agents.rollout import Rollout
from ttrl_env.files import parse_json, write_atomically

__all__ = ["LoggedOnce"]


class LoggedOnce(Callback, ABC):
    """Logs a run to a service; subclasses say how.

    Args:
        sample_every: Steps between two sample completions; 0: never.
    """

    folder: ClassVar[str]
    """The folder of the log in the run directory."""

    def __init__(self, sample_every: int = 0) -> None:
        self.sample_every = sample_every
        self._done = 0
        self._logged: dict[str, Any] = {}
        self._logged_path: Path | None = None

    @abstractmethod
    def open(self, run: Run, name: str) -> None:
        """Starts the run at the service, or resumes it.

        Args:
            run: The run.
            name: Eight hexadecimal digits that are its own, the same when it is resumed.
        """

    @abstractmethod
    def log(self, row: dict[str, Any], step: int) -> None:
        """Logs values at a training step."""

    @abstractmethod
    def sample(self, text: str) -> Any:
        """Returns what shows a sample; what a model wrote must not become part of the page."""

    def alert(self, alarm: Alarm) -> None:
        """Passes on an alarm; by default does nothing."""

    def on_start(self, run: Run) -> None:
        """Starts the run at the service, or resumes it."""
        self._done = run.state.step
        self._logged_path = run.folder / self.folder / "logged.json"
        nothing = {"id": secrets.token_hex(4), "step": 0, "sample": 0}
        self._logged = {**nothing, "evaluations": [], "alarms": []}
        if self._logged_path.is_file():
            self._logged |= _read_logged(self._logged_path)
        else:
            self._logged_path.parent.mkdir(parents=True, exist_ok=True)
            self._remember()
        self.open(run, self._logged["id"])

    def on_rollout(self, step: int, rollout: Rollout, votes: dict[str, Any]) -> None:
        """Shows completions, if they are due."""
        if self.sample_every and step % self.sample_every == 0 and step > self._logged["sample"]:
            self.log({"sample": self.sample(sample_text(step, rollout, votes))}, step)
            self._remember(sample=step)

    def on_step(self, step: int, metrics: dict[str, float]) -> None:
        """Logs the metrics of a step."""
        self._done = step
        if step > self._logged["step"]:
            known = {f"train/{name}": each for name, each in metrics.items() if math.isfinite(each)}
            self.log(known, step)
            self._remember(step=step)

    def on_evaluation(self, name: str, results: dict[str, Any]) -> None:
        """Logs the scores of an evaluation."""
        if name not in self._logged["evaluations"]:
            self.log(evaluation_scores(results), step_of_evaluation(name, self._done))
            self._remember(evaluations=[*self._logged["evaluations"], name])

    def on_alarm(self, alarm: Alarm) -> None:
        """Passes on an alarm."""
        if [alarm.step, alarm.kind] not in self._logged["alarms"]:
            self.alert(alarm)
            self._remember(alarms=[*self._logged["alarms"], [alarm.step, alarm.kind]])

    def _remember(self, **logged: Any) -> None:
        self._logged |= logged
        if self._logged_path is not None:
            write_atomically(self._logged_path, json.dumps(self._logged) + "\n")


def _read_logged(path: Path) -> dict[str, Any]:
    """Returns what was logged before the run was interrupted.

    Raises:
        AgentError: The file is damaged.
    """
    try:
        logged: dict[str, Any] = parse_json(path.read_bytes())
        if not logged.keys() >= {"id", "step", "sample", "evaluations"}:
            raise ValueError("it is of another kind")
    except (ValueError, AttributeError) as error:
        raise AgentError(
            f"{path} is damaged ({error}). Remove it; the run then goes on as a new one there."
        ) from error
    return logged
