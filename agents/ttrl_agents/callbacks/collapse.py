"""The callback that watches a run for a collapse and acts on it.

- `CollapseMonitor`: warns, reduces the learning rate or stops the run.
- `is_drifting`: whether a run shows signs of a collapse that are not an alarm yet.
- `with_monitor`: the callbacks of a run, with its monitor.
- `look_back`: how many steps before an alarm it may have begun.

The detector is in `ttrl_agents.instruments.collapse`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from ttrl_agents.callbacks.base import Callback, Run
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.instruments.collapse import (
    Alarm,
    CollapseDetector,
    CollapseThresholds,
    find_alarms,
)

__all__ = [
    "Alarm",
    "CollapseDetector",
    "CollapseMonitor",
    "CollapseThresholds",
    "find_alarms",
    "is_drifting",
    "look_back",
    "with_monitor",
]

Action = Literal["warn", "reduce", "stop"]


@runtime_checkable
class _HasLearningRate(Protocol):
    """An agent whose learning rate can be reduced."""

    def scale_learning_rate(self, factor: float) -> None:
        """Multiplies the learning rate of every later step."""
        ...


class CollapseMonitor(Callback):
    """Watches a run and acts when its votes show a collapse.

    `Trainer` makes one from `TrainConfig.on_collapse`. For other thresholds, set `on_collapse` to
    `"ignore"` and pass your own monitor among the callbacks.

    Args:
        action: `"warn"` reports the alarm to the other callbacks (`on_alarm`) and in the summary;
            `"reduce"` also multiplies the learning rate by `reduce_by`; `"stop"` ends the training
            and returns to the best checkpoint.
        thresholds: What counts as a collapse; by default `CollapseThresholds()`.

    Attributes:
        rate_scale: The factor by which the learning rate has been multiplied so far.
        thresholds: What counts as a collapse.

    Raises:
        AgentError: `action` is not one of the three.
    """

    everywhere = True

    def __init__(
        self,
        action: str = "warn",
        thresholds: CollapseThresholds | None = None,
    ) -> None:
        if action not in get_args(Action):
            known = ", ".join(get_args(Action))
            raise AgentError(f"There is no action {action!r} on a collapse; use one of {known}.")
        self.action = action
        self.rate_scale = 1.0
        self._detector = CollapseDetector(thresholds)
        self.thresholds = self._detector.thresholds
        self._run: Run | None = None

    @property
    def drifting(self) -> bool:
        """Whether the last step showed signs of a collapse, long enough for an alarm or not."""
        return self._detector.drifting

    def on_start(self, run: Run) -> None:
        """Reduces the learning rate again as far as it was before the run was interrupted.

        Raises:
            AgentError: The learning rate should be reduced, and the agent has no method for it.
        """
        self._run = run
        if self.action == "reduce":
            self._scale(self.rate_scale)

    def on_step(self, step: int, metrics: dict[str, float]) -> None:  # noqa: ARG002 - counts itself
        """Checks the step, and acts on its first alarm."""
        alarms = self._detector.observe(metrics)
        if alarms and self.action == "reduce":
            factor = self._detector.thresholds.reduce_by
            self.rate_scale *= factor
            self._scale(factor)
        for alarm in alarms:
            if self._run is not None:
                self._run.raise_alarm(alarm, stop=self.action == "stop")

    def state_dict(self) -> dict[str, Any]:
        """Returns what the detector remembers, and how far the learning rate is reduced."""
        return {"rate_scale": self.rate_scale, "detector": self._detector.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        self.rate_scale = state["rate_scale"]
        self._detector.load_state_dict(state["detector"])

    def _scale(self, factor: float) -> None:
        agent = None if self._run is None else self._run.agent
        if not isinstance(agent, _HasLearningRate):
            raise AgentError(
                f"--on-collapse reduce needs an agent with scale_learning_rate(factor), which "
                f"{type(agent).__name__} lacks. Use warn or stop."
            )
        agent.scale_learning_rate(factor)


def is_drifting(callbacks: Iterable[Callback]) -> bool:
    """Returns whether a monitor among the callbacks of a run sees signs of a collapse now."""
    return any(each.drifting for each in callbacks if isinstance(each, CollapseMonitor))


def look_back(callbacks: Iterable[Callback]) -> int:
    """Returns how many steps before its alarm a collapse may have begun.

    An alarm averages over `window` steps, and what it sees has to hold for `patience`.

    Args:
        callbacks: Those of a run; the monitors among them may have thresholds of their own.
    """
    monitors = [each.thresholds for each in callbacks if isinstance(each, CollapseMonitor)]
    return max(each.window + each.patience for each in (CollapseThresholds(), *monitors))


def with_monitor(config: TrainConfig, callbacks: Sequence[Callback]) -> list[Callback]:
    """Returns the callbacks of a run, the one that watches for a collapse first.

    Raises:
        AgentError: There are two.
    """
    if config.on_collapse == "ignore":
        return list(callbacks)
    if any(isinstance(each, CollapseMonitor) for each in callbacks):
        raise AgentError(
            f"With --on-collapse {config.on_collapse} a run has a CollapseMonitor already. To "
            "give one of your own, set on_collapse to ignore."
        )
    return [CollapseMonitor(config.on_collapse), *callbacks]
