"""Groups within a batch: what vector environments of groups have in common.

- `check_whole_groups`: refuses a batch that holds a part of a group.
- `group_mask`, `group_seeds`: from one value a sub-environment to one value a group.
- `resolve_autoreset_mode`, `metadata_for`: a mode by its name, and where Gymnasium looks for it.
- `refuse_if_over`: says which groups must be reset before a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from ttrl_env.rendering import RENDER_MODES

__all__ = [
    "check_whole_groups",
    "group_mask",
    "group_seeds",
    "metadata_for",
    "refuse_if_over",
    "resolve_autoreset_mode",
]

Array = npt.NDArray[Any]


def check_whole_groups(num_envs: int, group_size: int) -> int:
    """Returns the number of groups.

    Raises:
        ValueError: The group size is not positive, or the batch is no multiple of it.

    >>> check_whole_groups(32, 16)
    2
    """
    if group_size < 1:
        raise ValueError(f"group_size must be 1 or more, not {group_size}")
    if num_envs < 1 or num_envs % group_size:
        above = max(1, -(-num_envs // group_size)) * group_size
        raise ValueError(
            f"num_envs must be a multiple of group_size, so that every group is whole: "
            f"{num_envs} is no multiple of {group_size}. Use num_envs={above}, or a "
            "group_size that divides it."
        )
    return num_envs // group_size


def group_mask(reset_mask: Any, num_envs: int, group_size: int) -> Array:
    """Returns which groups a `reset_mask` names; all of them where there is none.

    Raises:
        ValueError: It is no mask, names nothing, or splits a group.
    """
    if reset_mask is None:
        return np.ones(num_envs // group_size, dtype=np.bool_)
    mask = np.asarray(reset_mask)
    if mask.shape != (num_envs,) or mask.dtype != np.bool_ or not mask.any():
        raise ValueError(
            f"reset_mask must be a bool array of shape ({num_envs},) with one True or "
            f"more, not {mask.dtype} of shape {mask.shape} with {int(mask.sum())}"
        )
    return _whole(mask, group_size, "reset_mask")


def group_seeds(
    seed: int | Sequence[int | None] | None, num_envs: int, group_size: int
) -> list[int] | None:
    """Returns the seed of each group, or `None` where none is given.

    Raises:
        ValueError: A list of seeds has the wrong length, has gaps, or splits a group.
    """
    if seed is None:
        return None
    if isinstance(seed, int | np.integer):
        return [int(seed)] * (num_envs // group_size)
    if len(seed) != num_envs:
        raise ValueError(f"{len(seed)} seeds for {num_envs} sub-environments")
    if all(each is None for each in seed):
        return None
    if any(each is None for each in seed):
        raise ValueError("a list of seeds holds a seed for every sub-environment, or none")
    return [int(each) for each in _whole(np.asarray(seed), group_size, "seed")]


def resolve_autoreset_mode(mode: str | AutoresetMode) -> AutoresetMode:
    """Returns the mode of this name, or the mode itself.

    Raises:
        ValueError: There is no such mode.
    """
    if isinstance(mode, AutoresetMode):
        return mode
    names = {each.name: each for each in AutoresetMode}
    if mode.upper() not in names:
        raise ValueError(f"unknown autoreset mode {mode!r}; use one of {', '.join(names)}")
    return names[mode.upper()]


def metadata_for(mode: AutoresetMode) -> dict[str, Any]:
    """Returns the metadata of an environment in this mode, its own to change."""
    return {"render_modes": list(RENDER_MODES), "render_fps": 2, "autoreset_mode": mode}


def refuse_if_over(over: Array) -> None:
    """Refuses a step while groups wait to be reset.

    Raises:
        gymnasium.error.ResetNeeded: They do.
    """
    if over.any():
        groups = ", ".join(map(str, np.flatnonzero(over)[:8]))
        raise gym.error.ResetNeeded(
            f"the episodes of groups {groups} are over; reset them with "
            "options={'reset_mask': terminations} before the next step"
        )


def _whole(values: Array, group_size: int, name: str) -> Array:
    """One value a group, of values that must agree within each."""
    groups = values.reshape(-1, group_size)
    for k, group in enumerate(groups):
        if not (group == group[0]).all():
            raise ValueError(
                f"{name} splits group {k}: its {group_size} sub-environments show one "
                f"question and need one value, not {group.tolist()}"
            )
    return groups[:, 0].copy()
