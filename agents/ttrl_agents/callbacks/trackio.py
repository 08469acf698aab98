"""The trackio log of a run.

- `TrackioCallback`: metrics, evaluations, sample completions, and alarms as alerts.

trackio keeps its projects on this machine, in `TRACKIO_DIR` or under the cache of Hugging Face, and
`trackio show --project ttrl` shows them; with `TRACKIO_SPACE_ID` or `TRACKIO_SERVER_URL` it logs
there. What it has not written yet when a process is killed, about half a second, is lost.
"""

from __future__ import annotations

from typing import Any

from ttrl_agents.callbacks.base import Callback, Run
from ttrl_agents.callbacks.logged_once import LoggedOnce
from ttrl_agents.callbacks.registry import register_callback
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.instruments.collapse import Alarm

__all__ = ["TrackioCallback"]

_PROJECT = "ttrl"


class TrackioCallback(LoggedOnce):
    """Logs the run to trackio, in the project `ttrl`; its name there ends in digits of its own.

    Args:
        sample_every: Steps between two sample completions; 0: never.

    Raises:
        AgentError: The package `trackio` is missing.
    """

    folder = "trackio"

    def __init__(self, sample_every: int = 0) -> None:
        super().__init__(sample_every)
        try:
            import trackio
        except ImportError as error:
            raise AgentError(
                "--log trackio needs the package trackio: pip install 'ttrl-env[trackio]'"
            ) from error
        self._trackio = trackio
        self._run: Any = None

    def open(self, run: Run, name: str) -> None:
        """Starts the run at trackio, or resumes it.

        Raises:
            AgentError: trackio does not accept the run, e.g. because nobody is logged in.
        """
        try:
            self._run = self._trackio.init(
                project=_PROJECT,
                name=f"{run.folder.name}-{name}",
                resume="allow",
                config=run.config.to_dict(),
                embed=False,
            )
        except (ValueError, OSError) as error:
            raise AgentError(
                f"trackio cannot log this run: {error} To log on this machine alone, unset "
                "TRACKIO_SPACE_ID and TRACKIO_SERVER_URL."
            ) from error

    def log(self, row: dict[str, Any], step: int) -> None:
        """Logs values at a training step."""
        self._run.log(row, step=step)

    def sample(self, text: str) -> Any:
        """Returns a sample as Markdown, whose fences no completion can close."""
        return self._trackio.Markdown(text)

    def alert(self, alarm: Alarm) -> None:
        """Raises an alert of the level `warn`."""
        self._run.alert(f"{alarm.kind} alarm", alarm.message, step=alarm.step)

    def on_end(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - the event's signature
        """Closes the run."""
        self.close()

    def close(self) -> None:
        """Writes what is left and closes the run at trackio; it can be resumed."""
        if self._run is not None:
            self._run.finish()
            self._run = None


@register_callback("trackio")
def _from_options(config: TrainConfig) -> Callback:
    return TrackioCallback(config.sample_every)
