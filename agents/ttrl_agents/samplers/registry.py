"""The table of samplers.

- `SAMPLERS`: the samplers by the names that `--sampler` takes.
- `register_sampler`: the decorator that adds one.
- `SamplerOptions`: the resources that a sampler may use.
- `SamplerEntry`: an entry of the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ttrl_agents.config.registry import Registry
from ttrl_agents.policy.policy import Policy
from ttrl_agents.samplers.base import Sampler

__all__ = ["SAMPLERS", "SamplerEntry", "SamplerOptions", "register_sampler"]


@dataclass(frozen=True)
class SamplerOptions:
    """The resources that a sampler may use, as the options of a command say.

    Attributes:
        max_length: The most tokens of a prompt and its completion together.
        rows: The most completions sampled at once; `None` leaves it to the sampler.
        kv_gib: Memory for an engine's keys and values, in GiB; `None` leaves it to the engine.
        gpu_share: The share of the GPU's memory that an engine may take.
        sleep: Whether an engine releases its GPU memory while the policy learns.
        timeout: Seconds of silence after which an engine counts as hung.
        log: The file for what an engine prints, if it is kept.
        weight_sync: The way of the weights to an engine: `"auto"`, `"ipc"` or `"shared-memory"`.
        tensor_parallel: How many GPUs an engine divides the model over.
    """

    max_length: int
    rows: int | None = None
    kv_gib: float | None = None
    gpu_share: float = 0.5
    sleep: bool = False
    timeout: float = 600.0
    log: Path | None = None
    weight_sync: Literal["auto", "ipc", "shared-memory"] = "auto"
    tensor_parallel: int = 1


MakeSampler = Callable[[Policy, SamplerOptions], Sampler]


@dataclass(frozen=True)
class SamplerEntry:
    """An entry of the table.

    Attributes:
        make: Makes the sampler.
        token_statistics: Whether it can return each token's entropy and self-certainty
            (`SamplingParams.token_statistics`).
    """

    make: MakeSampler
    token_statistics: bool


SAMPLERS: Registry[SamplerEntry] = Registry("sampler", "ttrl_agents.samplers")


def register_sampler(
    name: str, *, token_statistics: bool = False
) -> Callable[[MakeSampler], MakeSampler]:
    """Returns a decorator that adds a function that makes a sampler.

    Args:
        name: The name that `--sampler` takes.
        token_statistics: See `SamplerEntry`.
    """

    def add(make: MakeSampler) -> MakeSampler:
        SAMPLERS.register(name)(SamplerEntry(make, token_statistics))
        return make

    return add
