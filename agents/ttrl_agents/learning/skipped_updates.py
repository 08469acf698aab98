"""The record of an update that was skipped because its loss or gradient was not finite.

- `dump_update`: writes the batch of an update that was skipped.
- `has_room`: whether another batch is to be kept; a run keeps those of its first ten steps.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from ttrl_agents.learning.experience import Experience
from ttrl_agents.policy.token_batch import pad
from ttrl_agents.run.atomic import os_errors

__all__ = ["dump_update", "has_room"]

_STEPS_KEPT = 10


def dump_update(
    folder: Path,
    experience: Experience,
    log_probs: torch.Tensor,
    *,
    step: int,
    update: int,
    facts: dict[str, float],
) -> Path:
    """Writes `update-N.safetensors` and `update-N.json`.

    Args:
        folder: Where to write; created if missing.
        experience: The completions of the update.
        log_probs: Their log-probabilities under the policy, which the update has not changed.
        step: The training step, from 0.
        update: Which update of the step, from 0.
        facts: What else to write, e.g. the loss.

    Returns:
        The JSON file.

    Raises:
        OSError: They could not be written, e.g. because the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"update-{update}.safetensors"
    with os_errors(path):
        save_file(_tensors_of(experience, log_probs), path)
    # As text: JSON has no NaN and no infinity.
    found = {name: str(value) for name, value in facts.items()}
    described = {
        "step": step,
        "update": update,
        **found,
        "questions": experience.groups.tolist(),
        "rewards": experience.rewards.tolist(),
        "tensors": path.name,
    }
    target = path.with_suffix(".json")
    target.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    return target


def has_room(folder: Path) -> bool:
    """Returns whether a folder of such steps holds fewer than are kept."""
    return not folder.is_dir() or sum(1 for _ in folder.iterdir()) < _STEPS_KEPT


def _tensors_of(experience: Experience, log_probs: torch.Tensor) -> dict[str, torch.Tensor]:
    """Returns all tensors of an update, on CPU; completions are rows."""
    prompt_ids, prompt_mask = pad(experience.prompts, 0, left=True)
    completion_ids, _ = pad(experience.completions, 0)
    known = {
        "prompt_ids": prompt_ids,
        "prompt_mask": prompt_mask,
        "completion_ids": completion_ids,
        "completion_mask": experience.mask[:, : completion_ids.shape[1]],
        "log_probs": log_probs,
        "old_log_probs": experience.old_log_probs,
        "reference_log_probs": experience.reference_log_probs,
        "sampler_log_probs": experience.sampler_log_probs,
        "advantages": experience.advantages,
        "values": experience.values,
        "returns": experience.returns,
        "rewards": experience.rewards,
    }
    return {
        name: each.detach().cpu().contiguous() for name, each in known.items() if each is not None
    }
