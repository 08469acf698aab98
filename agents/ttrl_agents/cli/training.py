"""A training run as the command line runs it: in this process, or in several.

- `run_training`: runs it in this process, and in the others that `torchrun` has started with it.
- `launch_training`: starts the processes of a run.
- `launched_training`: what each of them runs.
"""

from __future__ import annotations

import contextlib
import math
import os
import shlex
import sys
import time
from dataclasses import replace
from typing import Any

from ttrl_agents.callbacks import ConsoleCallback, CurvesCallback, ReportCallback, make_loggers
from ttrl_agents.cli.exit_status import Exit
from ttrl_agents.cli.next_steps import after_training, print_next
from ttrl_agents.cli.ranks import run_launched, speaking_once
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.distributed.launch import SAME_SIGNAL, Launch, launch
from ttrl_agents.distributed.world import World, close_world, start_world
from ttrl_agents.errors import AgentError
from ttrl_agents.run.atomic import claim_folder
from ttrl_agents.run.folder import lock_output, run_folder_name
from ttrl_agents.run.output import Stopping, tell
from ttrl_agents.trainer import Interrupted, Trainer

__all__ = ["launch_training", "launched_training", "run_training"]


def launch_training(how: Launch, config: TrainConfig, *, resume: bool) -> int:
    """Starts the processes of a training run; returns their exit status.

    Args:
        how: The processes.
        config: The options of the run.
        resume: Whether it resumes the run in `config.output`. Processes that are started again
            always do.

    Raises:
        AgentError: There are fewer GPUs, or the folder of the run cannot be used.
    """
    how.check_device(config.device)
    if config.output is not None:
        if how.machines == 1:  # on several, another may have begun already
            _, lock = lock_output(config, resume=resume)
            if lock is not None:  # its processes take it
                lock.release()
        return launch(how, launched_training, config.to_dict())
    if how.machines > 1:
        raise AgentError(
            f"--machines {how.machines} need --output FOLDER, on a file system that all of them "
            "share. The same command resumes the run."
        )
    config = replace(config, output=claim_folder(run_folder_name(config)))
    status = launch(how, launched_training, config.to_dict())
    if status and config.output is not None:
        with contextlib.suppress(OSError):
            config.output.rmdir()  # if the run did not begin
    return status


def launched_training(options: dict[str, Any]) -> int:
    """Runs a training run in a process that a launcher has started; returns its exit status."""
    config = TrainConfig.from_dict(options)
    return run_launched(lambda: run_training(config, resume=True), "train")


def run_training(config: TrainConfig, *, resume: bool) -> None:
    """Runs a training run in this process, and in the others that `torchrun` has started with it.

    Args:
        config: The options of the run.
        resume: Whether to go on with the run in `config.output`.

    Raises:
        Exit: The run was stopped, and is saved.
    """
    ranks = start_world(config.device)
    with speaking_once(ranks):
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        restarted = attempt != "0"
        if restarted and ranks.leads:
            print(  # noqa: T201
                f"A process of this run has died; all of them were started again (restart "
                f"{attempt}) and go on from the last checkpoint.",
                file=sys.stderr,
            )
        resume = ranks.any(resume or (restarted and config.output is not None))
        _train(config, ranks, resume=resume)
    close_world()


def _train(config: TrainConfig, ranks: World, *, resume: bool) -> None:
    plots = [CurvesCallback(), ReportCallback()]
    watchers = [*make_loggers(config), *plots, ConsoleCallback()] if ranks.leads else []
    trainer = Trainer(config, watchers, resume=resume)
    with Stopping(_Stop(trainer, ranks)):
        try:
            trainer.run()
            if ranks.leads:
                print_next(after_training(trainer.folder, trainer.config))
        except Interrupted as stop:
            for watcher in watchers:
                watcher.close()
            saved = f"Saved after step {stop.step}." if stop.step else "Nothing was trained yet."
            if ranks.leads:
                tell(f"{saved} To go on: ttrl train --resume {shlex.quote(str(stop.folder))}")
            raise Exit(130) from None
        finally:
            for watcher in watchers:
                watcher.close()


class _Stop:
    """Saves the run after the current step when it is asked to stop; the second time, ends it."""

    def __init__(self, trainer: Trainer, ranks: World) -> None:
        self._trainer = trainer
        self._ranks = ranks
        self._first = -math.inf

    def __call__(self) -> None:
        if self._ranks.size > 1 and time.monotonic() - self._first < SAME_SIGNAL:
            return
        if self._trainer.stopping:
            raise KeyboardInterrupt
        self._first = time.monotonic()
        self._trainer.request_stop()
        if self._ranks.leads:
            tell(
                "\nFinishing this step, then saving. Ctrl-C again stops at once; "
                f"the last checkpoint in {self._trainer.folder} stays whole."
            )
