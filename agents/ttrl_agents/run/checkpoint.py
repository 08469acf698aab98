"""The checkpoints of a run, which can be killed at any instant and resumed.

- `TrainerState`: what a run needs to resume, besides the model.
- `save_state`, `load_state`: complete checkpoints, written aside and renamed into place.
- `latest_state`: the newest checkpoint of a run.
- `verify_state`: raises an error for a damaged checkpoint, which says how to continue.
- `check_same_options`: raises an error for a checkpoint of another configuration.
- `BEST`: the name of the best checkpoint among the others.

Seeds are functions of the step (see `seeds`), so no random state needs saving.
"""

from __future__ import annotations

import itertools
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ttrl_agents.config.serialization import option_name
from ttrl_agents.config.train_config import RESUMABLE_WITH, TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy
from ttrl_agents.run.atomic import remove_folder, replace_folder, tidy

__all__ = [
    "BEST",
    "TrainerState",
    "check_same_options",
    "latest_state",
    "load_state",
    "save_state",
    "verify_state",
]

BEST = "best"
_MANIFEST = "files.json"
_STATE = re.compile(r"step-(\d{6,})")


@dataclass
class TrainerState:
    """What a run needs to resume, besides the model.

    Attributes:
        step: Training steps that are done.
        seconds: How long they took.
        evaluations: Results so far: `before`, `after`, `step N`.
        parts: The state of the parts of a run (reward, callbacks), by name.
        alarms: The alarms that were raised, as `Alarm.to_dict` gives them.
        stopped: Whether one of them ended the training.
        options: The options of the run, which may not change when it is resumed.
        questions: The digest of the questions that it trains on, which may not change either.
        prompts: The digest of their prompts in tokens, which may not change either.
    """

    step: int = 0
    seconds: float = 0.0
    evaluations: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    stopped: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    questions: str = ""
    prompts: str = ""


def save_state(
    folder: Path,
    policy: Policy,
    tensors: dict[str, torch.Tensor],
    state: TrainerState,
    *,
    keep: int = 2,
) -> None:
    """Writes a checkpoint of a run and removes those that are no longer kept.

    Args:
        folder: The run's folder of checkpoints.
        policy: The model and its tokenizer.
        tensors: The agent's other tensors, mainly of its optimizer.
        state: The rest.
        keep: How many checkpoints to keep, including this one.

    Raises:
        OSError: It could not be written; earlier checkpoints are unchanged.
    """

    def fill(target: Path) -> None:
        policy.save_for_resuming(target / "model")
        save_file(tensors, target / "agent.safetensors")
        (target / "trainer.json").write_text(json.dumps(asdict(state), indent=2) + "\n")
        (target / _MANIFEST).write_text(json.dumps(_checksums(target), indent=2) + "\n")

    replace_folder(folder / f"step-{state.step:06d}", fill)
    for other in _states(folder)[:-keep]:
        remove_folder(other)


def latest_state(folder: Path) -> Path | None:
    """Returns the newest checkpoint, or `None` if there is none."""
    if folder.is_dir():
        tidy(folder)
    states = _states(folder)
    return states[-1] if states else None


def verify_state(path: Path) -> None:
    """Compares every file of a checkpoint with the size and checksum noted when it was written.

    Raises:
        AgentError: It is damaged; the message names the file and says how to continue.
    """
    damage = _damage(path)
    if damage is None:
        return
    before = itertools.takewhile(lambda each: each != path, _states(path.parent))
    earlier = [each for each in before if _damage(each) is None]
    raise AgentError(
        f"Checkpoint {path} is damaged: {damage}. "
        + (
            f"Remove that folder to go on from {earlier[-1].name}, which is whole; the run ends "
            "the same."
            if earlier
            else "No earlier one is whole, so start anew: ttrl train --config "
            f"{path.parent.parent / 'config.json'} --output NEW"
        )
    )


def load_state(path: Path) -> tuple[dict[str, torch.Tensor], TrainerState]:
    """Returns what a checkpoint holds besides its model, which is in `path / "model"`.

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


def check_same_options(path: Path, state: TrainerState, config: TrainConfig) -> None:
    """Compares the options of a run with those that its checkpoint was made with.

    Raises:
        AgentError: An option that may not change has changed.
    """
    before = {**TrainConfig().to_dict(), **state.options}
    now = config.to_dict()
    changed = [
        f"{option_name(name)} was {before[name]!r} and is {now[name]!r} now"
        for name in sorted(set(now) - RESUMABLE_WITH)
        if before[name] != now[name] and (name, now[name]) != ("template_date", None)
    ]
    if changed:
        raise AgentError(
            f"Checkpoint {path} is of another configuration: {'; '.join(changed)}. Put that back "
            f"in {path.parent.parent / 'config.json'}, or begin another run with "
            "ttrl train --config FILE --output NEW."
        )


def _checksums(folder: Path) -> dict[str, list[int]]:
    """Returns size and CRC-32 of each file."""
    return {
        str(file.relative_to(folder).as_posix()): [file.stat().st_size, _crc32(file)]
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _crc32(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while part := file.read(2**22):
            value = zlib.crc32(part, value)
    return value


def _damage(path: Path) -> str | None:
    """Returns what is wrong with a checkpoint, or `None` where every file is as it was written."""
    try:
        wanted: Mapping[str, list[int]] = json.loads((path / _MANIFEST).read_text())
        for name, (size, checksum) in wanted.items():
            file = path / name
            if not file.is_file():
                return f"{name} is missing"
            if file.stat().st_size != size:
                return f"{name} has {file.stat().st_size} bytes of {size}"
            if _crc32(file) != checksum:
                return f"{name} is not as it was written"
    except FileNotFoundError:
        return f"{_MANIFEST} is missing"
    except (OSError, ValueError, TypeError, AttributeError) as error:
        return f"{_MANIFEST} cannot be read ({error})"
    return None


def _states(folder: Path) -> list[Path]:
    """Returns the checkpoints of a run, oldest first, without folders that were renamed aside."""
    steps = {
        int(found[1]): each
        for each in (folder.iterdir() if folder.is_dir() else ())
        if (found := _STATE.fullmatch(each.name))
    }
    return [steps[step] for step in sorted(steps)]
