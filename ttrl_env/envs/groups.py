"""Groups within a batch: what vector environments of groups have in common.

- `Groups`: which sub-environments answer one question; seeds and masks of whole groups.
- `check_halves`: raises for a group that cannot be shown two wordings in equal parts.
- `resolve_autoreset_mode`, `metadata_for`: a mode by its name, and where Gymnasium looks for it.
- `check_not_over`: says which groups must be reset before a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from ttrl_env.rendering import RENDER_MODES

__all__ = [
    "Groups",
    "check_halves",
    "check_not_over",
    "metadata_for",
    "resolve_autoreset_mode",
]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Groups:
    """Whole groups of sub-environments: those from k·size to k·size + size - 1 are group k.

    Attributes:
        num_envs: The number of sub-environments.
        size: The number of them in a group.

    Raises:
        ValueError: The size is not positive, or the sub-environments are not whole groups.

    >>> groups = Groups(num_envs=6, size=3)
    >>> groups.count, groups.members(1), groups.spread(np.array([7, 8]))
    (2, slice(3, 6, None), array([7, 7, 7, 8, 8, 8]))
    """

    num_envs: int
    size: int

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"group_size must be 1 or more, not {self.size}")
        if self.num_envs < 1 or self.num_envs % self.size:
            above = max(1, -(-self.num_envs // self.size)) * self.size
            raise ValueError(
                f"num_envs must be a multiple of group_size, so that every group is whole: "
                f"{self.num_envs} is not a multiple of {self.size}. Use num_envs={above}, or a "
                "group_size that divides it."
            )

    @property
    def count(self) -> int:
        """The number of groups."""
        return self.num_envs // self.size

    def members(self, group: int) -> slice:
        """Returns the sub-environments of a group."""
        return slice(group * self.size, (group + 1) * self.size)

    def __iter__(self) -> Iterator[slice]:
        """Iterates over the sub-environments of each group."""
        return map(self.members, range(self.count))

    def spread(self, values: Array) -> Array:
        """Returns one value a sub-environment, of one value a group."""
        return np.repeat(values, self.size)

    def rows(self, values: Any) -> Array:
        """Returns one row a group, of one value a sub-environment."""
        return np.asarray(values).reshape(self.count, self.size)

    def mask(self, reset_mask: Any) -> Array:
        """Returns which groups a `reset_mask` names; all of them where there is none.

        Raises:
            ValueError: It is not a mask, names nothing, or splits a group.
        """
        if reset_mask is None:
            return np.ones(self.count, dtype=np.bool_)
        mask = np.asarray(reset_mask)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise ValueError(
                f"reset_mask must be a bool array of shape ({self.num_envs},) with one True or "
                f"more, not {mask.dtype} of shape {mask.shape} with {int(mask.sum())}"
            )
        return self._one_each(mask, "reset_mask")

    def seeds(self, seed: int | Sequence[int | None] | None) -> list[int] | None:
        """Returns the seed of each group, or `None` where none is given.

        Raises:
            ValueError: A list of seeds has the wrong length, has gaps, or splits a group.
        """
        if seed is None:
            return None
        if isinstance(seed, int | np.integer):
            return [int(seed)] * self.count
        if len(seed) != self.num_envs:
            raise ValueError(f"{len(seed)} seeds for {self.num_envs} sub-environments")
        if all(each is None for each in seed):
            return None
        if any(each is None for each in seed):
            raise ValueError("a list of seeds holds a seed for every sub-environment, or none")
        return [int(each) for each in self._one_each(np.asarray(seed), "seed")]

    def _one_each(self, values: Array, name: str) -> Array:
        """Returns one value a group, of values that must agree within each."""
        groups = self.rows(values)
        for k, group in enumerate(groups):
            if not (group == group[0]).all():
                raise ValueError(
                    f"{name} splits group {k}: its {self.size} sub-environments show one "
                    f"question and need one value, not {group.tolist()}"
                )
        return groups[:, 0].copy()


def check_halves(group_size: int) -> None:
    """Checks that a group can be shown two wordings in equal parts.

    Raises:
        ValueError: It is of odd size.
    """
    if group_size % 2:
        raise ValueError(
            "rephrase shows each wording to half of a group, so group_size must be even, not "
            f"{group_size}"
        )


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


def check_not_over(over: Array) -> None:
    """Checks that no group waits to be reset.

    Raises:
        gymnasium.error.ResetNeeded: One does.
    """
    if over.any():
        groups = ", ".join(map(str, np.flatnonzero(over)[:8]))
        raise gym.error.ResetNeeded(
            f"the episodes of groups {groups} are over; reset them with "
            "options={'reset_mask': terminations} before the next step"
        )
