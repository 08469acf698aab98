"""Saving a run so that it can be killed at any instant and go on.

- `TrainerState`: what a run needs to go on, beside the model.
- `save_state`, `load_state`: whole checkpoints, written aside and renamed into place.
- `latest_state`: the newest whole checkpoint of a run.
- `BEST`: where, among the checkpoints, the best one lies.
- `write_atomically`: one file, whole or not at all.

Seeds are functions of the step (see `seeds`), so no random state needs saving.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ttrl_agents.errors import AgentError
from ttrl_agents.policy import Policy

__all__ = [
    "BEST",
    "TrainerState",
    "latest_state",
    "load_state",
    "replace_folder",
    "save_state",
    "write_atomically",
]

BEST = "best"


@dataclass
class TrainerState:
    """What a run needs to go on, beside the model.

    Attributes:
        step: Training steps that are done.
        seconds: How long they took.
        evaluations: Results so far: `before`, `after`, `step N`.
        parts: What the parts of a run keep between steps (reward, callbacks), by name.
        alarms: The alarms that were raised, as `Alarm.to_dict` gives them.
        stopped: Whether one of them ended the training.
    """

    step: int = 0
    seconds: float = 0.0
    evaluations: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    stopped: bool = False


def save_state(
    folder: Path, policy: Policy, tensors: dict[str, torch.Tensor], state: TrainerState
) -> None:
    """Writes a checkpoint of a run and removes those before it.

    Args:
        folder: The run's folder of checkpoints.
        policy: The model and its tokenizer.
        tensors: What the agent keeps beside it, its optimizer above all.
        state: The rest.

    Raises:
        OSError: It could not be written; the checkpoint before it is whole and stays.
    """

    def fill(target: Path) -> None:
        policy.save(target / "model")
        save_file(tensors, target / "agent.safetensors")
        (target / "trainer.json").write_text(json.dumps(asdict(state), indent=2) + "\n")

    replace_folder(folder / f"step-{state.step:06d}", fill)
    for other in _states(folder)[:-1]:
        shutil.rmtree(other)


def latest_state(folder: Path) -> Path | None:
    """Returns the newest checkpoint, or `None` where there is none."""
    states = _states(folder)
    return states[-1] if states else None


def load_state(path: Path) -> tuple[dict[str, torch.Tensor], TrainerState]:
    """Returns what a checkpoint holds beside its model, which is in `path / "model"`.

    Raises:
        AgentError: The checkpoint is damaged.
    """
    try:
        tensors = load_file(path / "agent.safetensors")
        state = TrainerState(**json.loads((path / "trainer.json").read_text()))
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise AgentError(
            f"Checkpoint {path} is damaged ({error}). Remove that folder to go on from an "
            "earlier one, or start anew."
        ) from error
    return tensors, state


def write_atomically(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    aside = path.with_name(f".{path.name}.tmp")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def replace_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Fills a new folder aside and puts it in place of the old one."""
    aside, old = path.with_name(f".{path.name}.tmp"), path.with_name(f".{path.name}.old")
    for leftover in (aside, old):
        if leftover.exists():
            shutil.rmtree(leftover)
    try:
        aside.mkdir(parents=True)
        with _os_errors(aside):
            fill(aside)
        for file in aside.rglob("*"):
            if file.is_file():
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    if path.exists():
        path.rename(old)
    aside.rename(path)
    if old.exists():
        shutil.rmtree(old)


@contextlib.contextmanager
def _os_errors(path: Path) -> Iterator[None]:
    """Raises what safetensors reports of the operating system, a full disk say, as `OSError`."""
    try:
        yield
    except SafetensorError as error:
        code = re.search(r"os error (\d+)", str(error))
        if code is None:
            raise
        raise OSError(int(code[1]), os.strerror(int(code[1])), str(path)) from error


def _states(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*")) if folder.is_dir() else []
