"""The division of an update over ranks: who runs which micro-batch, and the sum of gradients.

- `Turn`: a micro-batch that this rank runs.
- `turns`: this rank's micro-batches, round by round.
- `GradientSum`: adds up the gradients of all ranks where each has all weights.
- `idle_share`: the share of turns in which a rank has nothing to learn from.

Micro-batches are split by tokens and ordered by length, so those of one round cost about the same.
They are the same for any number of ranks. On CPU gradients are added up in their order too, so any
number of ranks gives the gradient of one bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist

from ttrl_agents.distributed.failures import losing_ranks
from ttrl_agents.distributed.world import World

__all__ = ["GradientSum", "RoundSum", "Turn", "idle_share", "turns"]

Rows = npt.NDArray[np.intp]


class Turn(NamedTuple):
    """A micro-batch that this rank runs.

    Attributes:
        place: Which of the update's micro-batches it is.
        rows: Its completions.
        counts: Whether this rank learns from it. If not, it is run because all ranks have to run a
            sharded model equally often, and adds nothing.
    """

    place: int
    rows: Rows
    counts: bool


class RoundSum(Protocol):
    """Adds up gradients over ranks."""

    def begin_round(self, counted: int) -> None:
        """A round begins, in which the first `counted` ranks have a micro-batch."""
        ...

    def end_round(self) -> None:
        """They have run it."""
        ...

    def end_update(self) -> None:
        """All rounds are done: leaves the sum where the optimizer looks for it."""
        ...


def turns(
    world: World, parts: Sequence[Rows], *, lockstep: bool, sums: Sequence[RoundSum] = ()
) -> Iterator[Turn]:
    """Yields the micro-batches of this rank; after the last, the gradients are added up.

    Args:
        world: The ranks.
        parts: All micro-batches of the update.
        lockstep: Whether every rank has to run the model in every round.
        sums: What adds up the gradients; told of every round, also of those without a turn.
    """
    if not parts:
        return
    shortest = min(range(len(parts)), key=lambda place: len(parts[place]))
    for first in range(0, len(parts), world.size):
        for each in sums:
            each.begin_round(min(world.size, len(parts) - first))
        place = first + world.rank
        if place < len(parts):
            yield Turn(place, parts[place], True)
        elif lockstep:
            yield Turn(shortest, parts[shortest], False)
        for each in sums:
            each.end_round()
    for each in sums:
        each.end_update()


def idle_share(world: World, micro_batches: int) -> float:
    """Returns the share of turns without a micro-batch to learn from.

    >>> idle_share(World(size=4), 6)
    0.25
    """
    rounds = -(-micro_batches // world.size)
    return 1 - micro_batches / (rounds * world.size) if rounds else 0.0


class GradientSum:
    """Adds up the gradients of all ranks, each of which has all weights.

    Args:
        world: The ranks.
        tensors: Returns the tensors whose `grad` is added up, the same on every rank.
        ordered: Whether to add up micro-batch by micro-batch, in the order in which one process
            does. That takes a collective operation for each round, and memory for a gradient of
            each rank; else there is one operation for each tensor and update.
    """

    def __init__(
        self, world: World, tensors: Callable[[], Sequence[torch.Tensor]], *, ordered: bool
    ) -> None:
        self._world = world
        self._tensors = tensors
        self._ordered = ordered
        self._counted = 0
        self._total: torch.Tensor | None = None

    def begin_round(self, counted: int) -> None:
        """Notes whose gradients will be added."""
        self._counted = counted

    def end_round(self) -> None:
        """Adds the gradients of a round, if they are added up in order."""
        if self._world.size == 1 or not self._ordered:
            return
        tensors = self._tensors()
        self._world.wait()  # where a rank that has failed can say so
        own = torch.cat([*(_gradient(each).flatten() for each in tensors), _has_gradient(tensors)])
        found = [torch.empty_like(own) for _ in range(self._world.size)]
        with losing_ranks():
            dist.all_gather(found, own)
        for each in found[: self._counted]:
            self._total = each if self._total is None else self._total.add_(each)
        for tensor in tensors:
            tensor.grad = None

    def end_update(self) -> None:
        """Leaves the sum in the tensors' `grad`; it stays `None` if no rank has a gradient."""
        if self._world.size == 1:
            return
        tensors = self._tensors()
        if self._ordered:
            self._give_back(tensors)
            return
        there = _has_gradient(tensors)
        self._world.add([there])
        with_gradient = [
            tensor for tensor, count in zip(tensors, there.tolist(), strict=True) if count
        ]
        for tensor in with_gradient:
            tensor.grad = _gradient(tensor)
        self._world.add(each.grad for each in with_gradient if each.grad is not None)

    def _give_back(self, tensors: Sequence[torch.Tensor]) -> None:
        total, self._total = self._total, None
        if total is None:
            return
        there = total[len(total) - len(tensors) :]
        start = 0
        for tensor, count in zip(tensors, there.tolist(), strict=True):
            end = start + tensor.numel()
            if count:
                tensor.grad = total[start:end].view_as(tensor).clone()
            start = end


def _gradient(tensor: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad


def _has_gradient(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    there = [float(each.grad is not None) for each in tensors]
    return torch.tensor(there, device=tensors[0].device)
