"""The commands that lead on from a run or an evaluation, ready to be copied.

- `after_training`: what to look at after `ttrl train`.
- `after_evaluation`: the same after `ttrl eval`.
- `print_next`: prints them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ttrl_agents.config.name_value import write_key_values
from ttrl_agents.config.train_config import TrainConfig

__all__ = ["after_evaluation", "after_training", "print_next"]


def after_training(folder: Path, config: TrainConfig) -> list[tuple[str, str]]:
    """Returns commands, each with what it does.

    Args:
        folder: The run directory.
        config: The options of the run.

    >>> config = TrainConfig(evaluate=False, env_options={"level": 3})
    >>> for command, _ in after_training(Path("my run"), config):
    ...     print(command)
    ttrl report 'my run' --open
    ttrl votes 'my run'
    ttrl eval 'my run' --env-options level=3
    """
    commands = [
        (f"{_command('report', folder)} --open", "all of it, in the browser"),
        (_command("votes", folder), "which votes turned"),
    ]
    if config.evaluate:
        moments = folder / "evaluations"
        compared = _command("compare", moments / "before", moments / "after")
        commands.append((compared, "whether it differs from before"))
    commands.append((_command("eval", folder, *_questions(config)), "measure it again"))
    return commands


def after_evaluation(folder: Path) -> list[tuple[str, str]]:
    """Returns commands, each with what it does.

    Args:
        folder: The folder of the evaluation.
    """
    return [
        (f"{_command('report', folder)} --open", "all of it, in the browser"),
        (_command("votes", folder), "the most divided votes"),
        (f"{_command('revote', folder)} --reward all", "the same votes under every reward"),
    ]


def print_next(commands: Iterable[tuple[str, str]]) -> None:
    """Prints commands in a column, each followed by what it does as a comment of the shell."""
    rows = list(commands)
    width = max(len(command) for command, _ in rows)
    print("Next:")  # noqa: T201
    for command, purpose in rows:
        print(f"  {command.ljust(width)}  # {purpose}")  # noqa: T201


def _questions(config: TrainConfig) -> list[str]:
    """Returns the options that name the questions of a run, where they are not the default."""
    given: dict[str, Any] = {
        "--env": None if config.env == TrainConfig.env else config.env,
        "--data": config.data,
        "--duplicates": config.duplicates,
        "--max-prompt-tokens": config.max_prompt_tokens,
    }
    words = [word for name, each in given.items() if each is not None for word in (name, str(each))]
    if config.env_options:
        words += ["--env-options", *write_key_values(config.env_options)]
    return words


def _command(name: str, *words: Path | str) -> str:
    return shlex.join(["ttrl", name, *map(str, words)])
