"""Sampling divided over ranks: each samples a part of the completions, all have all of them.

- `DividedSampler`: the sampler.
- `divide_sampling`: wraps the sampler of a run if it has several ranks.

A call is cut by completions, also within a group, and every completion is drawn as in the whole
call (see `PartSeeds`). So the completions do not depend on the number of ranks, but for rounding:
how many rows a model runs at once changes the last bits of its logits.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ttrl_agents.distributed.world import World, world
from ttrl_agents.samplers.base import (
    PartSeeds,
    Progress,
    Sampler,
    SamplingParams,
    report_finished,
)
from ttrl_env.completion import Completion

__all__ = ["DividedSampler", "divide_sampling"]


class DividedSampler:
    """Samples a part of each call on every rank.

    Args:
        inner: The sampler of this rank. It may say that several ranks share one
            (`ranks_per_engine`), the first of which then samples for all of them; and that every
            rank makes every call (`together`), also where there is nothing to sample.
        ranks: The ranks.
    """

    def __init__(self, inner: Sampler, ranks: World) -> None:
        self.inner = inner
        self.copies_weights = inner.copies_weights
        self._ranks = ranks
        self._shared_by: int = getattr(inner, "ranks_per_engine", 1)
        self._together: bool = getattr(inner, "together", False)
        self._skew = 1.0

    def sample(
        self,
        prompts: Sequence[str],
        params: SamplingParams,
        *,
        seed: int | Sequence[int],
        progress: Progress | None = None,
    ) -> list[Completion]:
        """Samples one completion of each prompt; see `Sampler.sample`.

        Raises:
            AgentError: The sampler of a rank failed; every rank raises it.
        """
        began, size = time.monotonic(), self._ranks.size // self._shared_by
        part = self._part(len(prompts))
        drawn: list[Completion] = []
        with self._ranks.agreement():
            if part or self._together:
                drawn = self.inner.sample(
                    [prompts[i] for i in part],
                    params,
                    seed=PartSeeds(seed, prompts, part),
                    progress=None if progress is None else _ProgressOfAll(progress, part, size),
                )
            seconds = time.monotonic() - began  # before the agreement, which waits for all
        found = self._ranks.gather((drawn, seconds))
        times = [each for _, each in found[:: self._shared_by]]
        self._skew = max(times) * len(times) / sum(times) if sum(times) else 1.0
        return [completion for completions, _ in found for completion in completions]

    def _part(self, count: int) -> range:
        """Returns what this rank samples of so many completions."""
        place, others = divmod(self._ranks.rank, self._shared_by)
        return range(0) if others else World(place, self._ranks.size // self._shared_by).part(count)

    def sync(self) -> None:
        """Copies the policy's weights on every rank; see `Sampler.sync`."""
        with self._ranks.agreement():
            self.inner.sync()

    def rest(self) -> None:
        """Rests every rank's sampler; see `Sampler.rest`."""
        with self._ranks.agreement():
            self.inner.rest()

    def metrics(self) -> dict[str, float]:
        """Returns the sums of the samplers' counters, and how far the slowest rank fell behind.

        `sampling_skew` is the slowest rank's seconds over the mean of all, in the last call.
        """
        every = self._ranks.gather(self.inner.metrics())
        sums = {name: sum(each[name] for each in every) for name in every[0]}
        return sums | {"sampling_skew": self._skew}

    def close(self) -> None:
        """Releases the resources of this rank's sampler."""
        self.inner.close()


class _ProgressOfAll:
    """The progress of all ranks, of which those that sample are about as fast as this one."""

    def __init__(self, progress: Progress, part: range, samplers: int) -> None:
        self._progress, self._part, self._samplers = progress, part, samplers

    def __call__(self, tokens: int, /) -> None:
        """Counts new tokens."""
        self._progress(tokens * self._samplers)

    def finished(self, places: Sequence[int]) -> None:
        """Notes completions of this rank by their places in the whole call."""
        report_finished(self._progress, [self._part[i] for i in places])


def divide_sampling(sampler: Sampler) -> Sampler:
    """Returns the sampler of a run: divided if the run has several ranks, else as it is."""
    ranks = world()
    return sampler if ranks.size == 1 else DividedSampler(sampler, ranks)
