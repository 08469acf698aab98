"""The checkpoints of a run, which can be killed at any instant and resumed.

- `TrainerState`: what a run needs to resume, besides the model.
- `save_state`: writes a checkpoint aside and renames it into place.
- `load_state`, `load_agent`: what it holds beside the model.
- `keep_newest`: removes the others.
- `restore_parts`: gives the parts of a run what they remembered.
- `latest_state`: the newest checkpoint of a run.
- `verify_state`: raises an error for a damaged checkpoint, which says how to continue.
- `check_same_options`: raises an error for a checkpoint of another configuration.

Seeds are functions of the step (see `seeds`), so no random state needs saving.
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
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
from ttrl_agents.distributed.shards import holds_shards, load_shards, save_shards
from ttrl_agents.distributed.world import world
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy
from ttrl_agents.run.atomic import remove_folder, tidy
from ttrl_agents.run.folders_of_ranks import replace_folder_together
from ttrl_env.files import parse_json

__all__ = [
    "TrainerState",
    "check_same_options",
    "keep_newest",
    "latest_state",
    "load_agent",
    "load_state",
    "restore_parts",
    "save_state",
    "verify_state",
]

_MANIFEST = "files.json"
_AGENT = "agent"  # where ranks write parts of what is else in agent.safetensors
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
    ranks, divided = world(), policy.divided

    def fill(target: Path) -> None:
        policy.save_for_resuming(target / "model", in_parts=True)
        if divided:
            ranks.lead((target / _AGENT).mkdir)
            save_shards(target / _AGENT, tensors)
            written = ranks.gather(_checksums(target, only=f"{ranks.rank + 1:05d}"))
        else:
            save_file(tensors, target / "agent.safetensors")
            written = []
        if ranks.leads:
            (target / "trainer.json").write_text(json.dumps(asdict(state), indent=2) + "\n")
            known = {name: each for files in written for name, each in files.items()}
            checksums = _checksums(target, known=known)
            (target / _MANIFEST).write_text(json.dumps(checksums, indent=2) + "\n")

    replace_folder_together(folder / f"step-{state.step:06d}", fill, everywhere=divided)
    keep_newest(folder, keep)


def keep_newest(folder: Path, keep: int) -> None:
    """Removes all checkpoints of a run but the newest; every rank calls it.

    Args:
        folder: The run's folder of checkpoints.
        keep: How many stay.
    """

    def remove() -> None:
        for other in _states(folder)[:-keep]:
            remove_folder(other)

    world().lead(remove)


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
            f"{shlex.quote(str(path.parent.parent / 'config.json'))} --output NEW"
        )
    )


def load_state(path: Path) -> TrainerState:
    """Returns the progress of a checkpoint.

    Raises:
        AgentError: The checkpoint is damaged.
    """
    try:
        state = TrainerState(**parse_json((path / "trainer.json").read_text()))
        _check_kinds(state)
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(path, error) from error
    return state


def load_agent(path: Path, policy: Policy) -> dict[str, torch.Tensor]:
    """Returns the agent's tensors of a checkpoint, divided over ranks as the policy is.

    Args:
        path: The checkpoint. It may have been written by another number of ranks.
        policy: The policy.

    Raises:
        AgentError: The checkpoint is damaged.
    """
    parts = path / _AGENT
    try:
        if not parts.is_dir():
            return load_file(path / "agent.safetensors")
        if not holds_shards(parts):
            return {}  # before the first update there are no moments, so no rank wrote a part
        return load_shards(parts, policy.device if policy.divided else None)
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> AgentError:
    return AgentError(
        f"Checkpoint {path} is damaged ({error}). Remove that folder to go on from an "
        "earlier one, or start anew."
    )


def restore_parts(
    states: dict[str, Any], callbacks: Any, parts: Mapping[str, Any], folder: Path
) -> None:
    """Gives the callbacks and the other parts of a run what they remembered.

    Args:
        states: What `TrainerState.parts` holds.
        callbacks: The callbacks, which find theirs in it.
        parts: The others, by their names in it.
        folder: The run directory, for the message.

    Raises:
        AgentError: A state is not what the part wrote.
    """
    try:
        callbacks.load_state_dict(states)
        for name, part in parts.items():
            if name in states:
                part.load_state_dict(states[name])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AgentError(
            f"The checkpoint of {folder} is of another version, or was edited: its parts cannot be "
            f"read ({type(error).__name__}: {error}). Begin another run: ttrl train --config "
            f"{folder / 'config.json'} --output NEW"
        ) from error


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


def _check_kinds(state: TrainerState) -> None:
    """Raises an error where a field is of another kind than a new state's."""
    for name, default in asdict(TrainerState()).items():
        value, kind = getattr(state, name), type(default)
        if not isinstance(value, (int, float) if kind is float else kind):
            raise TypeError(f"{name} is {value!r}")


def _checksums(
    folder: Path, *, only: str = "", known: Mapping[str, list[int]] | None = None
) -> dict[str, list[int]]:
    """Returns size and CRC-32 of each file.

    Args:
        folder: The folder.
        only: The number of a rank, whose files alone are read.
        known: What other ranks have found; those files are not read again.
    """
    found = dict(known or {})
    for file in sorted(folder.rglob(f"shard-{only}-*" if only else "*")):
        name = str(file.relative_to(folder).as_posix())
        if file.is_file() and name not in found:
            found[name] = [file.stat().st_size, _crc32(file)]
    return dict(sorted(found.items()))


def _crc32(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while part := file.read(2**22):
            value = zlib.crc32(part, value)
    return value


def _damage(path: Path) -> str | None:
    """Returns what is wrong with a checkpoint, or `None` where every file is as it was written."""
    try:
        wanted: Mapping[str, list[int]] = parse_json((path / _MANIFEST).read_text())
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
