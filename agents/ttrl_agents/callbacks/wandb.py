"""The Weights & Biases log of a run.

- `WandbCallback`: metrics, evaluations, sample completions, and alarms as alerts.

W&B decides whether it uploads: `WANDB_MODE=offline` keeps everything in `wandb/` of the run
directory, for `wandb sync` later.
"""

from __future__ import annotations

import html
from typing import Any

from ttrl_agents.callbacks.base import Callback, Run
from ttrl_agents.callbacks.evaluation_steps import evaluation_scores
from ttrl_agents.callbacks.logged_once import LoggedOnce
from ttrl_agents.callbacks.registry import register_callback
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.instruments.collapse import Alarm

__all__ = ["WandbCallback"]

_PROJECT = "ttrl"
_STEP = "training_step"


class WandbCallback(LoggedOnce):
    """Logs the run to Weights & Biases, under the project `ttrl` or `WANDB_PROJECT`.

    A resumed run keeps its run id.

    Args:
        sample_every: Steps between two sample completions; 0: never.

    Raises:
        AgentError: The package `wandb` is missing.
    """

    folder = "wandb"

    def __init__(self, sample_every: int = 0) -> None:
        super().__init__(sample_every)
        try:
            import wandb
        except ImportError as error:
            raise AgentError(
                "--log wandb needs the package wandb: pip install 'ttrl-env[wandb]'"
            ) from error
        self._wandb = wandb
        self._run: Any = None

    def open(self, run: Run, name: str) -> None:
        """Starts the run at W&B, or resumes it.

        Raises:
            AgentError: W&B does not accept the run, e.g. because nobody is logged in.
        """
        wandb = self._wandb
        settings = wandb.Settings(quiet=True, console="off")
        try:
            self._run = wandb.init(
                project=None if settings.project else _PROJECT,
                name=run.folder.name,
                id=name,
                resume="allow",
                dir=str(run.folder),
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

    def log(self, row: dict[str, Any], step: int) -> None:
        """Logs values at a training step."""
        self._run.log({**row, _STEP: step})

    def sample(self, text: str) -> Any:
        """Returns a sample as an escaped page."""
        return self._wandb.Html(f"<pre>{html.escape(text)}</pre>", inject=False)

    def alert(self, alarm: Alarm) -> None:
        """Raises an alert of the level `WARN`, which W&B may send to Slack or by mail."""
        self._run.alert(f"{alarm.kind} alarm", alarm.message)

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


@register_callback("wandb")
def _from_options(config: TrainConfig) -> Callback:
    return WandbCallback(config.sample_every)
