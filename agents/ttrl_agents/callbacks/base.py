"""The base class of callbacks, which watch a run.

- `Callback`: does nothing; callbacks override the events that they need.
- `CallbackList`: passes every event on to several callbacks, in their order.
- `Run`: what a callback may read, and the methods it may call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from ttrl_agents.agent import Agent
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.evaluate.moments import RunEvaluations
from ttrl_agents.instruments.collapse import Alarm
from ttrl_agents.memory.plan import Plan
from ttrl_agents.policy.policy import Policy
from ttrl_agents.rollout import Rollout
from ttrl_agents.run.checkpoint import TrainerState
from ttrl_benchmarks import Benchmark

__all__ = ["Callback", "CallbackList", "Run"]


class Run(Protocol):
    """A run as its callbacks see it; `Trainer` is one.

    Attributes:
        config: The options.
        folder: The run directory.
        policy: The language model that is trained.
        agent: The agent, which samples and learns.
        benchmark: The questions that are trained on.
        held_out: The questions that are only evaluated, or `None`.
        left_out: How many questions were left out because their prompts are too long.
        state: The progress of the run.
        evaluations: Its evaluations.
        plan: The plan of its GPU memory; `None` where none is planned.
    """

    config: TrainConfig
    folder: Path
    policy: Policy
    agent: Agent
    benchmark: Benchmark
    held_out: Benchmark | None
    left_out: int
    state: TrainerState
    evaluations: RunEvaluations
    plan: Plan | None

    def request_stop(self) -> None:
        """Stops the run at the end of the current step, after saving it."""
        ...

    def raise_alarm(self, alarm: Alarm, *, stop: bool = False) -> None:
        """Records an alarm and calls `on_alarm` of every callback; with `stop` training ends."""
        ...


class Callback:
    """Watches a run. By default every method does nothing.

    A callback that remembers anything between steps returns it from `state_dict`, so that
    checkpoints keep it and a resumed run continues as if it had never stopped.

    Attributes:
        everywhere: Whether a run of several processes calls it in all of them. By default only the
            leading process does. A callback that changes the run, other than by `request_stop` and
            `raise_alarm`, has to be everywhere, and to do the same everywhere.
    """

    everywhere = False

    def on_start(self, run: Run) -> None:
        """The model and the questions are loaded."""

    def on_phase(self, name: str) -> None:
        """A new phase begins; `name` says which, e.g. `"measuring the start"`."""

    def on_tokens(self, count: int) -> None:
        """More tokens have been sampled; `count` is how many."""

    def on_questions(self, done: int, total: int) -> None:
        """An evaluation has answered more questions; one counts once for each setting."""

    def on_rollout(self, step: int, rollout: Rollout, votes: dict[str, Any]) -> None:
        """A step has sampled and counted the votes, and is about to learn; steps count from 1.

        `votes` is the environment's information about each completion: `answer`, `vote`,
        `consensus`, `majority_ratio`, `question_id` and more.
        """

    def on_step(self, step: int, metrics: dict[str, float]) -> None:
        """A training step is done; steps count from 1."""

    def on_alarm(self, alarm: Alarm) -> None:
        """The votes show the run collapsing; see `CollapseMonitor`."""

    def on_evaluation(self, name: str, results: dict[str, Any]) -> None:
        """An evaluation is done: `before`, `after` or `step N`."""

    def state_dict(self) -> dict[str, Any]:
        """Returns what is remembered between steps, as JSON; nothing by default."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""

    def on_end(self, summary: dict[str, Any]) -> None:
        """The run is complete and everything is written."""

    def close(self) -> None:
        """The run is over, complete or not; may be called more than once."""


class CallbackList(Callback):
    """Passes every event on to several callbacks, in their order.

    Args:
        callbacks: The callbacks.
    """

    def __init__(self, callbacks: Iterable[Callback]) -> None:
        self._callbacks = tuple(callbacks)

    def __iter__(self) -> Iterator[Callback]:
        return iter(self._callbacks)

    def on_start(self, run: Run) -> None:
        """Tells each."""
        for each in self:
            each.on_start(run)

    def on_phase(self, name: str) -> None:
        """Tells each."""
        for each in self:
            each.on_phase(name)

    def on_tokens(self, count: int) -> None:
        """Tells each."""
        for each in self:
            each.on_tokens(count)

    def on_questions(self, done: int, total: int) -> None:
        """Tells each."""
        for each in self:
            each.on_questions(done, total)

    def on_rollout(self, step: int, rollout: Rollout, votes: dict[str, Any]) -> None:
        """Tells each."""
        for each in self:
            each.on_rollout(step, rollout, votes)

    def on_step(self, step: int, metrics: dict[str, float]) -> None:
        """Tells each."""
        for each in self:
            each.on_step(step, metrics)

    def on_alarm(self, alarm: Alarm) -> None:
        """Tells each."""
        for each in self:
            each.on_alarm(alarm)

    def on_evaluation(self, name: str, results: dict[str, Any]) -> None:
        """Tells each."""
        for each in self:
            each.on_evaluation(name, results)

    def state_dict(self) -> dict[str, Any]:
        """Returns the state of each that has one, by the name of its class."""
        states = {type(each).__name__: each.state_dict() for each in self}
        return {name: state for name, state in states.items() if state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        for each in self:
            if type(each).__name__ in state:
                each.load_state_dict(state[type(each).__name__])

    def on_end(self, summary: dict[str, Any]) -> None:
        """Tells each."""
        for each in self:
            each.on_end(summary)

    def close(self) -> None:
        """Closes each."""
        for each in self:
            each.close()
