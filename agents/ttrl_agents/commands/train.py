"""`ttrl train`: trains a language model on questions that nobody labelled.

- `train`: the command.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from ttrl_agents.commands.exit_status import Exit
from ttrl_agents.config import TrainConfig
from ttrl_agents.errors import AgentError

if TYPE_CHECKING:
    from ttrl_agents.trainer import Trainer

__all__ = ["train"]


def train(
    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = TrainConfig(),  # noqa: B008
    resume: Path | None = None,
) -> None:
    """Trains a language model on questions that nobody labelled.

    Samples votes on each question, takes the majority for true, rewards the votes that agree and
    takes a policy-gradient step. Labels, where they exist, only measure.

    Args:
        config: The options of the run.
        resume: Go on with the run in this directory. Its own options count; give no others.
    """
    from ttrl_agents.callbacks import ConsoleCallback, CurvesCallback, make_loggers
    from ttrl_agents.trainer import Interrupted, Trainer, resume_config

    if resume is not None:
        if config != TrainConfig():
            raise AgentError("--resume takes the options of the run itself; leave out the others.")
        config = resume_config(resume)
    console = ConsoleCallback()
    watchers = [*make_loggers(config), CurvesCallback(), console]
    trainer = Trainer(config, watchers, resume=resume is not None)
    with _StopOnSignal(trainer):
        try:
            trainer.run()
        except Interrupted as stop:
            console.close()
            saved = f"Saved after step {stop.step}." if stop.step else "Nothing was trained yet."
            print(f"{saved} To go on: ttrl train --resume {stop.folder}", file=sys.stderr)  # noqa: T201
            raise Exit(130) from None
        finally:
            for watcher in watchers:
                watcher.close()


class _StopOnSignal:
    """Ctrl-C ends the step under way, then saves; a second one stops at once."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)

    def __exit__(self, *details: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: Any) -> None:  # noqa: ARG002 - the handler's signature
        if self._trainer.stopping:
            raise KeyboardInterrupt
        self._trainer.request_stop()
        print(  # noqa: T201
            "\nFinishing this step, then saving. Ctrl-C again stops at once; "
            f"the last checkpoint in {self._trainer.folder} stays whole.",
            file=sys.stderr,
        )
