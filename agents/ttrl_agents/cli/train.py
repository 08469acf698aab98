"""`ttrl train`: trains a language model on questions that nobody labelled.

- `train_command`: the command, with the defaults that the command line starts from.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from ttrl_agents.cli.exit_status import Exit
from ttrl_agents.config.presets import DEFAULT_MODEL, preset_config
from ttrl_agents.config.serialization import option_name
from ttrl_agents.config.train_config import RESUMABLE_WITH, TrainConfig, read_config
from ttrl_agents.errors import AgentError
from ttrl_agents.run.folder import resume_config

if TYPE_CHECKING:
    from ttrl_agents.trainer import Trainer

__all__ = ["train_command"]


def train_command(arguments: Sequence[str] = ()) -> Callable[..., None]:
    """Returns the command for a command line.

    What the line starts from (a preset, another run's options, the run to resume) is looked up
    first: its values are the command's defaults, so `--help` shows them and options that are given
    override them.

    Args:
        arguments: The command line after `train`.

    Raises:
        AgentError: The preset or run to start from cannot be loaded, or more than one is named.
    """
    start = _start(arguments)

    def train(
        options: Annotated[TrainConfig, tyro.conf.arg(name="")] = start,
        config: Path | None = None,
        resume: Path | None = None,
    ) -> None:
        """Trains a language model on questions that nobody labelled.

        Samples votes on each question, treats the majority answer as the label, rewards the votes
        that agree and takes a policy-gradient step. Real labels, if any, are used only to measure.

        Args:
            options: The options of the run.
            config: Start from the options in this file, another run's config.json; options that are
                also given override them. The run gets a new directory.
            resume: Resume the run in this directory, with its own options; only options that change
                its results by rounding at most may be given as well.
        """
        del config  # `start` has its values
        if resume is not None:
            _check_resumable(start, options)
        _run(options, resume=resume is not None)

    return train


@dataclass(frozen=True)
class _Start:
    """The options that set what the others start from."""

    preset: str | None = None
    config: Path | None = None
    resume: Path | None = None
    model: str = DEFAULT_MODEL
    family: str | None = None


def _start(arguments: Sequence[str]) -> TrainConfig:
    """Returns what the given options override."""
    start, _ = tyro.cli(_Start, args=list(arguments), return_unknown_args=True, add_help=False)
    given = [name for name in ("preset", "config", "resume") if getattr(start, name) is not None]
    if len(given) > 1:
        names = " and ".join(map(option_name, given))
        raise AgentError(f"{names} each say what to start from; give one of them.")
    if start.preset is not None:
        # Their names are checked there; the error suggests similar ones.
        return preset_config(start.preset, model=start.model, family=start.family)  # type: ignore[arg-type]
    if start.config is not None:
        return replace(read_config(start.config), output=None)
    return TrainConfig() if start.resume is None else resume_config(start.resume)


def _check_resumable(before: TrainConfig, now: TrainConfig) -> None:
    fixed = [
        option_name(each.name)
        for each in fields(TrainConfig)
        if getattr(before, each.name) != getattr(now, each.name)
        and (each.name not in RESUMABLE_WITH or each.name == "output")
    ]
    if fixed:
        free = ", ".join(option_name(name) for name in sorted(RESUMABLE_WITH - {"output"}))
        raise AgentError(
            f"--resume takes the options of the run itself; leave out {', '.join(fixed)}. "
            f"Only {free} may be given besides."
        )


def _run(config: TrainConfig, *, resume: bool) -> None:
    from ttrl_agents.callbacks import ConsoleCallback, CurvesCallback, ReportCallback, make_loggers
    from ttrl_agents.trainer import Interrupted, Trainer

    console = ConsoleCallback()
    watchers = [*make_loggers(config), CurvesCallback(), ReportCallback(), console]
    trainer = Trainer(config, watchers, resume=resume)
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
    """Saves the run after the current step on Ctrl-C; a second Ctrl-C stops at once."""

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
