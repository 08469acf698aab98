"""Weights passed from one process to another through shared memory, verified by checksums.

- `SharedWeights`: named tensors in one block of shared memory.
- `checksum`: a number that changes with any weight.
"""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ["SharedWeights", "checksum"]

_ALIGNMENT = 64
_CHUNK = 2**20  # weights widened to 64 bits at once; a whole large matrix might not fit
_WORDS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def checksum(tensor: torch.Tensor) -> int:
    """Returns the sum of a tensor's bit patterns, modulo 2^64.

    It does not depend on the order of the elements, so that the parts of a tensor that an engine
    has joined (queries, keys and values, say) add up to the whole, and padding by 0 adds nothing.

    >>> whole = torch.arange(6.0)
    >>> checksum(whole) == (checksum(whole[:2]) + checksum(whole[2:])) % 2**64
    True
    """
    return int(_sum_of_words(tensor)) % 2**64


def _sum_of_words(tensor: torch.Tensor) -> torch.Tensor:
    """Returns the sum of a tensor's bit patterns, which wraps at 2^64, on the tensor's device."""
    words = tensor.detach().contiguous().view(_WORDS[tensor.element_size()]).flatten()
    total = torch.zeros((), dtype=torch.int64, device=words.device)
    for part in words.split(_CHUNK):
        total += part.sum(dtype=torch.int64)
    return total


@dataclass(frozen=True)
class _Place:
    """The place of a tensor in the block."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int


class SharedWeights:
    """Named tensors in one block of memory that two processes see; no disk is involved.

    The block is an anonymous file (Linux): the process that makes it writes, and a child that
    inherits its file descriptor reads. It is freed when both have closed it or ended.

    Args:
        file_descriptor: The block.
        places: Where each tensor lies in it.
    """

    def __init__(self, file_descriptor: int, places: list[_Place]) -> None:
        self.file_descriptor = file_descriptor
        self._places = places
        self._memory = mmap.mmap(file_descriptor, 0)
        self._tensors = {place.name: self._view(place) for place in places}

    @classmethod
    def allocate(
        cls, tensors: Iterable[tuple[str, torch.Tensor]], dtype: torch.dtype
    ) -> SharedWeights:
        """Makes a block that fits these tensors, converted to `dtype`; their values come later."""
        kind = str(dtype).removeprefix("torch.")
        places: list[_Place] = []
        offset = 0
        for name, tensor in tensors:
            places.append(_Place(name, kind, tuple(tensor.shape), offset))
            size = tensor.numel() * dtype.itemsize
            offset += -(-size // _ALIGNMENT) * _ALIGNMENT
        file_descriptor = os.memfd_create("ttrl-weights")
        os.ftruncate(file_descriptor, max(offset, 1))
        return cls(file_descriptor, places)

    @classmethod
    def attach(cls, description: dict[str, Any]) -> SharedWeights:
        """Opens the block that the parent process described."""
        places = [_Place(**each) for each in description["places"]]
        return cls(description["file_descriptor"], places)

    def describe(self) -> dict[str, Any]:
        """Returns what `attach` needs, as JSON holds it."""
        return {
            "file_descriptor": self.file_descriptor,
            "places": [vars(place) for place in self._places],
        }

    def write(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> dict[str, int]:
        """Writes the values of all tensors, and returns the checksum of each.

        Raises:
            KeyError: A tensor has no place here, or one is missing.
        """
        sums: dict[str, torch.Tensor] = {}
        for name, tensor in tensors:
            place = self._tensors[name]
            value = tensor.detach().to(place.dtype)  # on its device: fewer bytes to copy
            place.copy_(value)
            sums[name] = _sum_of_words(value)
        missing = self._tensors.keys() - sums.keys()
        if missing:
            raise KeyError(f"no values for {', '.join(sorted(missing))}")
        # Copied to the host together, to wait for the GPU once and not once per tensor.
        total = torch.stack(list(sums.values())).tolist() if sums else []
        return {name: value % 2**64 for name, value in zip(sums, total, strict=True)}

    def __iter__(self) -> Iterator[tuple[str, torch.Tensor]]:
        return iter(self._tensors.items())

    def close(self) -> None:
        """Closes the block; its tensors must no longer be in use."""
        self._tensors.clear()
        self._memory.close()
        os.close(self.file_descriptor)

    def _view(self, place: _Place) -> torch.Tensor:
        flat = torch.frombuffer(
            self._memory,
            dtype=getattr(torch, place.dtype),
            count=math.prod(place.shape),
            offset=place.offset,
        )
        return flat.view(tuple(place.shape))
