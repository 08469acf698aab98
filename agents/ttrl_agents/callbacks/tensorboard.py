"""The TensorBoard log of a run.

- `TensorBoardCallback`: metrics, evaluations and sample completions, in `tensorboard/`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ttrl_agents.callbacks.base import Callback, Run
from ttrl_agents.callbacks.evaluation_steps import evaluation_scores, step_of_evaluation
from ttrl_agents.callbacks.registry import register_callback
from ttrl_agents.callbacks.samples import sample_path, sample_text
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.rollout import Rollout
from ttrl_agents.run.folder import check_lines
from ttrl_env.files import parse_json

__all__ = ["TensorBoardCallback"]


class TensorBoardCallback(Callback):
    """Writes the run's metrics for `tensorboard --logdir runs`.

    A resumed run continues the same log: what an earlier process wrote from the checkpoint's step
    on is marked as void and written again.

    Args:
        sample_every: Steps between two sample completions; 0: never.

    Raises:
        AgentError: The package `tensorboard` is missing.
    """

    def __init__(self, sample_every: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise AgentError(
                "--log tensorboard needs the package tensorboard: "
                "pip install 'ttrl-env[tensorboard]'"
            ) from error
        self.sample_every = sample_every
        self._make_writer = SummaryWriter
        self._writer: Any = None
        self._done = 0

    def on_start(self, run: Run) -> None:
        """Opens the log and repeats what belongs to the step at which the run resumes."""
        step = self._done = run.state.step
        self._writer = self._make_writer(str(run.folder / "tensorboard"), purge_step=step)
        if step == 0:
            options = json.dumps(run.config.to_dict(), indent=4)
            self._writer.add_text("options", "    " + options.replace("\n", "\n    "), 0)
        elif row := _row_of_step(run.folder / "metrics.jsonl", step):
            self._add_metrics(step, row)
            sample = sample_path(run.folder, step)
            if self.sample_every and step % self.sample_every == 0 and sample.is_file():
                self._writer.add_text("sample", sample.read_text(encoding="utf-8"), step)
        for name, results in run.state.evaluations.items():
            if step_of_evaluation(name, step) == step:
                self.on_evaluation(name, results)

    def on_rollout(self, step: int, rollout: Rollout, votes: dict[str, Any]) -> None:
        """Shows completions, if they are due."""
        if self.sample_every and step % self.sample_every == 0:
            self._writer.add_text("sample", sample_text(step, rollout, votes), step)

    def on_step(self, step: int, metrics: dict[str, float]) -> None:
        """Adds the metrics of a step."""
        self._done = step
        self._add_metrics(step, metrics)

    def on_evaluation(self, name: str, results: dict[str, Any]) -> None:
        """Adds the scores of an evaluation."""
        step = step_of_evaluation(name, self._done)
        for tag, value in evaluation_scores(results).items():
            self._writer.add_scalar(tag, value, step)
        self._writer.flush()

    def on_end(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - the event's signature
        """Closes the log."""
        self.close()

    def close(self) -> None:
        """Closes the log."""
        if self._writer is not None:
            self._writer.close()

    def _add_metrics(self, step: int, metrics: dict[str, Any]) -> None:
        for name, value in metrics.items():
            if name != "step" and value is not None and math.isfinite(value):
                self._writer.add_scalar(f"train/{name}", value, step)
        self._writer.flush()  # a process that is killed loses no step


@register_callback("tensorboard")
def _from_options(config: TrainConfig) -> Callback:
    return TensorBoardCallback(config.sample_every)


def _row_of_step(path: Path, step: int) -> dict[str, Any] | None:
    """The metrics of a step that is saved."""
    rows: Iterator[dict[str, Any]] = check_lines(path, parse_json)
    return next((row for row in rows if row["step"] == step), None)
