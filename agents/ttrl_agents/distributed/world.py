"""The processes of a run (its world), and what they tell each other.

- `World`: how many there are, which one this is, and the collective operations.
- `world`: the world of this process.
- `start_world`, `close_world`: join the other processes; leave them.

`torchrun` and launchers like it say in environment variables who belongs together. A process by
itself is a world of one, in which every operation below returns at once.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from ttrl_agents.distributed.failures import (
    LostRankError,
    describe_failure,
    deserting,
    failure_of,
    is_told,
    losing_ranks,
    mark_as_told,
)
from ttrl_agents.distributed.messages import decode, encode
from ttrl_agents.errors import AgentError, UserError

__all__ = ["World", "close_world", "start_world", "world"]

T = TypeVar("T")

# Longer than the slowest rank may sample, and than an engine may take to start twice.
_TIMEOUT = timedelta(hours=2)


@dataclass(frozen=True)
class World:
    """The processes of a run, called ranks.

    Every operation but `part` is collective: all ranks call it, in the same order.

    Attributes:
        rank: Which of them this is, from 0.
        size: How many there are.
        local_rank: Which of those on this machine this is.
        local_size: How many there are on each machine.

    >>> World().gather("a"), list(World(rank=1, size=3).part(8))
    (['a'], [2, 3, 4])
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this rank writes files and speaks for the others."""
        return self.rank == 0

    def part(self, count: int) -> range:
        """Returns this rank's part of so many items, side by side; parts differ by one at most."""
        return range(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def gather(self, value: T) -> list[T]:
        """Returns the value of every rank, in their order, on every rank.

        Args:
            value: What `messages.encode` takes; its tuples come back as lists.

        Raises:
            Exception: Another rank has failed instead of coming here; see `agreement`.
            LostRankError: Another rank has ended.
        """
        if self.size == 1:
            return [value]
        found = self._exchange([True, value])
        for rank, (well, content) in enumerate(found):
            if not well:
                raise mark_as_told(failure_of(content, rank))
        return [content for _, content in found]

    def _exchange(self, value: Any) -> list[Any]:
        message = torch.frombuffer(bytearray(encode(value)), dtype=torch.uint8)
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        with losing_ranks():
            dist.all_gather(sizes, torch.tensor([len(message)]))
            longest = max(int(each) for each in sizes)
            padded = torch.zeros(longest, dtype=torch.uint8)
            padded[: len(message)] = message
            found = [torch.empty_like(padded) for _ in range(self.size)]
            dist.all_gather(found, padded)
        return [
            decode(each[: int(size)].numpy().tobytes())
            for each, size in zip(found, sizes, strict=True)
        ]

    def broadcast(self, value: T) -> T:
        """Returns the leader's value on every rank; what the others give is ignored."""
        if self.size == 1:
            return value
        return self.gather(value if self.leads else None)[0]  # type: ignore[return-value]

    def any(self, value: bool) -> bool:
        """Returns whether the value is true on any rank."""
        return any(self.gather(value))

    def add(self, tensors: Iterable[torch.Tensor]) -> None:
        """Replaces each tensor with its sum over ranks."""
        if self.size > 1:
            self.wait()  # where a rank that has failed can say so
            with losing_ranks():
                for each in tensors:
                    dist.all_reduce(each)

    def wait(self) -> None:
        """Returns when all ranks have come here."""
        self.gather(None)

    @contextlib.contextmanager
    def agreement(self, *, divided: bool = False) -> Iterator[None]:
        """Makes an error on one rank an error on all, with the same sentence.

        All ranks raise it here, if there was no other collective operation within; else where the
        others came to the next `gather`.

        Args:
            divided: Whether a divided model runs within. The others may then wait for parts of its
                weights, where they cannot be told of an error.

        Raises:
            AgentError: Another rank failed with a sentence for the user.
            OSError: Another rank could not write.
            RuntimeError: Another rank failed in some other way.
            DesertedError: This rank failed while a divided model ran, and not with a sentence for
                the user, which every rank comes to.
            LostRankError: Another rank did, and has ended.
        """
        if self.size == 1:
            yield
            return
        try:
            yield
        except Exception as error:  # whatever it is, the others must not wait for this rank
            if not is_told(error):
                if divided and not isinstance(error, UserError):
                    raise mark_as_told(deserting(error, self.rank)) from error
                mark_as_told(error)
                self._exchange([False, describe_failure(error)])
            raise
        self.wait()

    def lead(self, function: Callable[[], T]) -> T:
        """Calls a function on the leader alone; returns on every rank what it returned.

        Raises:
            Exception: What the function raised, on every rank.
        """
        found: Any = None
        with self.agreement():
            if self.leads:
                found = function()
        result: T = self.broadcast(found)
        return result


_ALONE = World()
_current = _ALONE


def world() -> World:
    """Returns the world of this process."""
    return _current


def start_world(device: str = "auto") -> World:
    """Joins the other processes that a launcher has started; returns the world.

    A process that no launcher started, or alone, stays a world of one. A launcher that has joined
    its processes in a group of PyTorch's already, as Ray Train has, is taken at its word.

    Args:
        device: What the run computes on. On GPUs each local rank takes the one of its number.

    Raises:
        AgentError: This machine has fewer GPUs than ranks, or the other ranks do not answer.
    """
    global _current
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or _current.size > 1:
        return _current
    local = int(os.environ.get("LOCAL_RANK", "0"))
    backend = "gloo"
    if device.startswith("cuda") or (device == "auto" and torch.cuda.is_available()):
        _take_gpu(local, device)
        backend = "cpu:gloo,cuda:nccl"
    try:
        if not dist.is_initialized():
            dist.init_process_group(backend, timeout=_TIMEOUT)
    except (RuntimeError, ValueError) as error:
        raise AgentError(
            f"The {size} processes of this run do not find each other: "
            f"{str(error).splitlines()[0]}. Start them with ttrl train --gpus N, or with torchrun."
        ) from error
    local_size = int(os.environ.get("LOCAL_WORLD_SIZE", size))
    _current = World(dist.get_rank(), size, local, local_size)
    return _current


def close_world() -> None:
    """Leaves the other processes once all of them are done."""
    global _current
    if _current.size > 1:
        with contextlib.suppress(LostRankError):  # one that has ended by now has done its part
            _current.wait()
        gc.collect()  # gloo aborts the process if a sharded model outlives its group
        dist.destroy_process_group()
        _current = _ALONE


def _take_gpu(local: int, device: str) -> None:
    count = torch.cuda.device_count()
    if device not in ("auto", "cuda"):
        raise AgentError(
            f"--device {device} is one GPU, and this run has a process for each of several. Use "
            "--device cuda."
        )
    if local >= count:
        raise AgentError(
            f"This machine has {count} GPUs, and the run has a process number {local} here. Use "
            f"--gpus {count} or fewer."
        )
    torch.cuda.set_device(local)
