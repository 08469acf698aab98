"""The requirements of ttrl-env and its extras, checked against what is installed.

- `PURPOSES`: what each extra is for.
- `Need`: a requirement, the version that is installed, and whether it fits.
- `needs_of`: the requirements of the core, or those that an extra adds.
- `extras`: the extras that a distribution declares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement

__all__ = ["DISTRIBUTION", "PURPOSES", "Need", "extras", "installed_version", "needs_of"]

DISTRIBUTION = "ttrl-env"
PURPOSES = {
    "agents": "training and measuring models: ttrl train, ttrl eval",
    "docs": "the site of these pages: make docs",
    "gpu": "ttrl train --kernels liger",
    "ray": "examples/ray_train.py: a run on a Ray cluster",
    "reasoning-gym": "the environment TTRL-ReasoningGym-v0",
    "render": "render_mode='rgb_array'",
    "sb3": "Stable-Baselines3 on these environments",
    "tensorboard": "ttrl train --log tensorboard",
    "trackio": "ttrl train --log trackio",
    "trl": "TRL's trainers on these rewards",
    "verifiers": "verifiers and prime-rl on these rewards",
    "vllm": "ttrl train --sampler vllm on a GPU (on a CPU see docs/vllm.md)",
    "wandb": "ttrl train --log wandb",
}

Versions = Callable[[str], str | None]


def installed_version(name: str) -> str | None:
    """Returns the installed version of a distribution, or `None` where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class Need:
    """A requirement beside what is installed.

    Attributes:
        requirement: The distribution and the versions that will do.
        version: The version that is installed, if any.
    """

    requirement: Requirement
    version: str | None

    @property
    def is_met(self) -> bool:
        """Whether a version is installed that will do."""
        fits = self.requirement.specifier.contains
        return self.version is not None and fits(self.version, prereleases=True)

    def __str__(self) -> str:
        """The distribution; where it is not met, with what is installed and what is wanted."""
        name, wanted = self.requirement.name, self.requirement.specifier
        if self.is_met:
            return f"{name} {self.version}"
        return f"{name} {self.version or 'is not installed'} (wanted: {wanted or 'any version'})"


def extras() -> list[str]:
    """Returns the extras of this distribution, but for the one of its developers.

    Raises:
        importlib.metadata.PackageNotFoundError: It is not installed.
    """
    declared = metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or []
    return sorted(set(declared) - {"dev"})


def needs_of(extra: str = "", versions: Versions = installed_version) -> Iterator[Need]:
    """Yields the requirements of the core, or those that an extra adds.

    Args:
        extra: The name of an extra; by default the core.
        versions: Returns the installed version of a distribution.

    Raises:
        importlib.metadata.PackageNotFoundError: This distribution is not installed.
    """
    for line in metadata.requires(DISTRIBUTION) or ():
        requirement = Requirement(line)
        marker = requirement.marker
        in_core = marker is None or marker.evaluate({"extra": ""})
        in_extra = marker is not None and marker.evaluate({"extra": extra}) and not in_core
        if in_extra if extra else in_core:
            yield Need(requirement, versions(requirement.name))
