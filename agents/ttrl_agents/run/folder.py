"""The folder of a run: its name, its options, the lines of its metrics.

- `default_folder`, `run_folder_name`: the folder of a run if its options name none.
- `lock_output`: locks the folder of a run.
- `is_unused`: whether a folder is missing or empty.
- `resume_config`: the options of a run that is resumed.
- `append_metrics`: `metrics.jsonl`, one line per step.
- `trim_steps`: drops from it and from `votes.jsonl` what came after a checkpoint.
- `check_lines`: the lines of such a file.
"""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ttrl_agents.config.train_config import TrainConfig, read_config
from ttrl_agents.distributed.world import world
from ttrl_agents.errors import AgentError
from ttrl_agents.run.atomic import claim_folder
from ttrl_env.files import append_durably, parse_json, temporary_path, write_atomically
from ttrl_env.locks import LOCK, FolderLock

__all__ = [
    "CONFIG",
    "METRICS",
    "RUNS",
    "SUMMARY",
    "VOTES",
    "append_metrics",
    "check_lines",
    "default_folder",
    "is_unused",
    "lock_output",
    "resume_config",
    "run_folder_name",
    "trim_steps",
]

RUNS = Path("runs")
"""Where the folders of runs and evaluations are made if their options name none."""
CONFIG = "config.json"
METRICS = "metrics.jsonl"
SUMMARY = "summary.json"
VOTES = "votes.jsonl"
_LONGEST_REWARD = 60

T = TypeVar("T")
_LOG = logging.getLogger(__name__)


def default_folder(env: str, about: str, seed: int, prefix: str = "") -> Path:
    """Returns the folder of a run or an evaluation if its options name none.

    Args:
        env: The environment.
        about: What distinguishes runs on it: the reward, or the model.
        seed: The seed.
        prefix: What the name begins with.
    """
    name = env.removesuffix("-v0").removeprefix("TTRL-").lower()
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return RUNS / f"{prefix}{name}-{about}-seed{seed}-{stamp}"


def run_folder_name(config: TrainConfig) -> Path:
    """Returns the folder of a training run if its options name none."""
    reward = re.sub(r"[^\w.=]+", "-", config.reward).strip("-")[:_LONGEST_REWARD]
    return default_folder(config.env, reward, config.seed)


def is_unused(folder: Path) -> bool:
    """Returns whether a folder is missing, empty, or holds only a lock or a partial first file."""
    if not folder.exists():
        return True
    nothing = {LOCK, temporary_path(folder / CONFIG).name}
    return folder.is_dir() and all(each.name in nothing for each in folder.iterdir())


def lock_output(config: TrainConfig, *, resume: bool) -> tuple[Path, FolderLock | None]:
    """Locks the folder of a run, and checks that the run can write to it.

    Args:
        config: The options of the run; if they name no folder, a new one is made.
        resume: Whether the run resumes from what the folder holds.

    Returns:
        The folder, and on the rank that writes the lock.

    Raises:
        AgentError: It is a file, or it is not empty and the run is a new one.
        FolderInUseError: Another process writes to it.
    """
    locks: list[FolderLock] = []

    def take() -> str:
        locks.append(_lock(config, resume=resume))
        return str(locks[0].folder)

    folder = Path(world().lead(take))
    return folder, locks[0] if locks else None


def _lock(config: TrainConfig, *, resume: bool) -> FolderLock:
    output = config.output
    if output is None:
        return FolderLock(claim_folder(run_folder_name(config)), new=True)
    if output.exists() and not output.is_dir():
        raise AgentError(f"--output {output} is a file; name a folder.")
    lock = FolderLock(output)
    if not resume and not is_unused(output):
        lock.release()
        raise AgentError(
            f"--output {output} is not empty. Name a new folder, or go on with the run in "
            f"it: ttrl train --resume {output}"
        )
    return lock


def resume_config(folder: Path) -> TrainConfig:
    """Returns the options of a run that is resumed.

    Raises:
        AgentError: The folder does not hold a run.
    """
    path = folder / CONFIG
    if not path.exists():
        raise AgentError(f"There is no run in {folder}: it has no {CONFIG}.")
    return replace(read_config(path), output=folder)


def append_metrics(folder: Path, step: int, metrics: Mapping[str, float]) -> None:
    """Adds the line of a step to the metrics of a run.

    NaN and infinity become null, as JSON has neither: a step without gradient has no entropy, a
    skipped one no loss.
    """
    known = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
    append_durably(folder / METRICS, json.dumps({"step": step, **known}) + "\n")


def trim_steps(folder: Path, steps: int) -> None:
    """Drops the lines of steps after a checkpoint from the metrics and the votes of a run.

    An incomplete last line is dropped too. Afterwards both files exist. A warning says if metrics
    of earlier steps are missing, which nothing brings back.

    Args:
        folder: The run directory.
        steps: The steps that the checkpoint has done.

    Raises:
        AgentError: A line is damaged.
    """
    for path in (folder / METRICS, folder / VOTES):
        whole = check_lines(path, lambda line: (line, _step_of(line)))
        kept = [(line, step) for line, step in whole if step <= steps]
        write_atomically(path, "".join(line + "\n" for line, _ in kept))
        found = [step for _, step in kept]
        if path.name == METRICS and found != list(range(1, steps + 1)):
            _LOG.warning(
                "%s does not hold each of the %d steps so far once: it was edited, or removed.",
                path,
                steps,
            )


def check_lines(path: Path, parse: Callable[[str], T]) -> Iterator[T]:
    """Yields what each line of a file is parsed to; a file that is missing has none.

    A last line without its end, which a process leaves that is killed, is left out.

    Args:
        path: A file of one line a record, in UTF-8.
        parse: Reads a line.

    Raises:
        AgentError: `parse` raised an error for a whole line.
    """
    if not path.is_file():
        return
    lines = path.read_bytes().split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        try:
            yield parse(line.decode())
        except (ValueError, TypeError, KeyError) as error:
            raise AgentError(
                f"Line {number} of {path} is damaged ({error}). Bring the file back from a copy, "
                "or remove that line."
            ) from error


def _step_of(line: str) -> int:
    step = parse_json(line)["step"]
    if not isinstance(step, int):
        raise TypeError(f"step is {step!r}")
    return step
