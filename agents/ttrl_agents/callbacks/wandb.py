"""The Weights & Biases log of a run.

- `WandbCallback`: metrics, evaluations and sample completions.

W&B decides whether it uploads: `WANDB_MODE=offline` keeps everything in `wandb/` of the run
directory, for `wandb sync` later.
"""

from __future__ import annotations

import html
import json
import math
import secrets
from pathlib import Path
from typing import Any

from ttrl_agents.callbacks.base import Callback, Run
from ttrl_agents.callbacks.evaluation_steps import evaluation_scores, step_of_evaluation
from ttrl_agents.callbacks.registry import register_callback
from ttrl_agents.callbacks.samples import sample_text
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.rollout import Rollout
from ttrl_env.files import parse_json, write_atomically

__all__ = ["WandbCallback"]

_PROJECT = "ttrl"
_STEP = "training_step"


class WandbCallback(Callback):
    """Logs the run to Weights & Biases, under the project `ttrl` or `WANDB_PROJECT`.

    A resumed run keeps its run id. `wandb/logged.json` records what was logged, since W&B cannot
    take back a logged step: steps that are repeated after a kill are not logged again (they are the
    same, bit for bit, except for how long they took).

    Args:
        sample_every: Steps between two sample completions; 0: never.

    Raises:
        AgentError: The package `wandb` is missing.
    """

    def __init__(self, sample_every: int = 0) -> None:
        try:
            import wandb
        except ImportError as error:
            raise AgentError(
                "--log wandb needs the package wandb: pip install 'ttrl-env[wandb]'"
            ) from error
        self.sample_every = sample_every
        self._wandb = wandb
        self._run: Any = None
        self._done = 0
        self._logged: dict[str, Any] = {}
        self._logged_path: Path | None = None

    def on_start(self, run: Run) -> None:
        """Starts the run at W&B, or resumes it.

        Raises:
            AgentError: W&B does not accept the run, e.g. because nobody is logged in.
        """
        wandb, folder = self._wandb, run.folder
        self._done = run.state.step
        self._logged_path = folder / "wandb" / "logged.json"
        if self._logged_path.is_file():
            self._logged = _read_logged(self._logged_path)
        else:
            self._logged = {"id": secrets.token_hex(4), "step": 0, "sample": 0, "evaluations": []}
            self._logged_path.parent.mkdir(parents=True, exist_ok=True)
            self._remember()
        settings = wandb.Settings(quiet=True, console="off")
        try:
            self._run = wandb.init(
                project=None if settings.project else _PROJECT,
                name=folder.name,
                id=self._logged["id"],
                resume="allow",
                dir=str(folder),
                config=run.config.to_dict(),
                settings=settings,
            )
        except wandb.Error as error:
            raise AgentError(
                f"Weights & Biases cannot log this run: {error} To log without it being online, "
                "set WANDB_MODE=offline."
            ) from error
        self._run.define_metric(_STEP)
        self._run.define_metric("*", step_metric=_STEP)

    def on_rollout(self, step: int, rollout: Rollout, votes: dict[str, Any]) -> None:
        """Shows completions, if they are due."""
        if self.sample_every and step % self.sample_every == 0 and step > self._logged["sample"]:
            # Escaped: what a model writes must not become part of the page.
            text = html.escape(sample_text(step, rollout, votes))
            page = self._wandb.Html(f"<pre>{text}</pre>", inject=False)
            self._log({"sample": page}, step, sample=step)

    def on_step(self, step: int, metrics: dict[str, float]) -> None:
        """Logs the metrics of a step."""
        self._done = step
        if step > self._logged["step"]:
            known = {f"train/{name}": each for name, each in metrics.items() if math.isfinite(each)}
            self._log(known, step, step=step)

    def on_evaluation(self, name: str, results: dict[str, Any]) -> None:
        """Logs the scores of an evaluation."""
        if name not in self._logged["evaluations"]:
            evaluations = [*self._logged["evaluations"], name]
            step = step_of_evaluation(name, self._done)
            self._log(evaluation_scores(results), step, evaluations=evaluations)

    def on_end(self, summary: dict[str, Any]) -> None:
        """Adds the results to the run's own summary, and closes it."""
        for moment in ("before", "after"):
            scores = evaluation_scores(summary[moment])
            self._run.summary.update({f"{moment}/{tag}": each for tag, each in scores.items()})
        self.close()

    def close(self) -> None:
        """Closes the run at W&B; it can be resumed."""
        if self._run is not None:
            self._run.finish()
            self._run = None

    def _log(self, row: dict[str, Any], at: int, **logged: Any) -> None:
        self._run.log({**row, _STEP: at})
        self._logged |= logged
        self._remember()

    def _remember(self) -> None:
        if self._logged_path is not None:
            write_atomically(self._logged_path, json.dumps(self._logged) + "\n")


def _read_logged(path: Path) -> dict[str, Any]:
    """Returns what was logged before the run was interrupted."""
    try:
        logged: dict[str, Any] = parse_json(path.read_bytes())
        if not logged.keys() >= {"id", "step", "sample", "evaluations"}:
            raise ValueError("it is of another kind")
    except (ValueError, AttributeError) as error:
        raise AgentError(
            f"{path} is damaged ({error}). Remove it; the run then goes on as a new one at W&B."
        ) from error
    return logged


@register_callback("wandb")
def _from_options(config: TrainConfig) -> Callback:
    return WandbCallback(config.sample_every)
