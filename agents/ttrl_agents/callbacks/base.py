"""What a watcher of a run may look at.

- `Callback`: does nothing; watchers override what they need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ttrl_agents.callbacks.collapse import Alarm
    from ttrl_agents.rollout import Rollout
    from ttrl_agents.trainer import Trainer

__all__ = ["Callback"]


class Callback:
    """Watches a run. Every method may do nothing.

    One that remembers anything between steps offers it to checkpoints by `state_dict`, so that a
    resumed run goes on as if it had never stopped.
    """

    def on_start(self, trainer: Trainer) -> None:
        """The model and the questions are loaded."""

    def on_phase(self, name: str) -> None:
        """A new phase begins, e.g. `"measuring the start"`."""

    def on_tokens(self, count: int) -> None:
        """So many more tokens have been sampled."""

    def on_rollout(self, step: int, rollout: Rollout, votes: dict[str, Any]) -> None:
        """A step has sampled and voted, and learns next; steps count from 1.

        `votes` is what the environment said of each completion: `answer`, `vote`, `consensus`,
        `majority_ratio`, `question_id` and more.
        """

    def on_step(self, step: int, metrics: dict[str, float]) -> None:
        """A training step is done; steps count from 1."""

    def on_alarm(self, alarm: Alarm) -> None:
        """The votes show the run collapsing; see `CollapseMonitor`."""

    def on_evaluation(self, name: str, results: dict[str, Any]) -> None:
        """An evaluation is done: `before`, `after` or `step N`."""

    def state_dict(self) -> dict[str, Any]:
        """Returns what is remembered between steps, as JSON holds it; nothing by default."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""

    def on_end(self, summary: dict[str, Any]) -> None:
        """The run is complete and everything is written."""

    def close(self) -> None:
        """The run is over, complete or not; may be called more than once."""
