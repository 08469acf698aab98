"""`ttrl train`: trains a language model on questions that nobody labelled.

- `train_command`: the command, with the defaults that the command line starts from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated

import tyro

from ttrl_agents.cli.exit_status import Exit
from ttrl_agents.config.groups import OwnGroup
from ttrl_agents.config.presets import DEFAULT_MODEL, preset_config
from ttrl_agents.config.serialization import option_name
from ttrl_agents.config.train_config import RESUMABLE_WITH, TrainConfig, read_config
from ttrl_agents.distributed.launch import Launch
from ttrl_agents.errors import AgentError
from ttrl_agents.run.folder import resume_config

__all__ = ["train_command"]

_DISTRIBUTED = OwnGroup("distributed", "The processes that share a run.")


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
        gpus: Annotated[int, _DISTRIBUTED] = 1,
        machines: Annotated[int, _DISTRIBUTED] = 1,
        meet: Annotated[str | None, _DISTRIBUTED] = None,
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
            gpus: Run in so many processes on this machine, one for each GPU; with --device cpu that
                many processes without one.
            machines: Run on so many machines: give the same command on each, with --meet, and with
                an --output that all of them share.
            meet: Where the machines find each other: HOST:PORT, a free port of one of them.
        """
        from ttrl_agents.cli.training import launch_training, run_training  # which import torch

        del config  # `start` has its values
        if resume is not None:
            _check_resumable(start, options)
        how = Launch(gpus, machines, meet)
        if how.several:
            raise Exit(launch_training(how, options, resume=resume is not None))
        run_training(options, resume=resume is not None)

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
