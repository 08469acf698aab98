"""Weights that pass from one process to another through a shared buffer, verified by checksums.

- `send_weights`: fills the buffer, part by part.
- `size_of_all`: the buffer that one part is enough for.
- `WeightReceiver`: puts the parts together again.
- `sum_of_words`, `read_sums`: a number that changes with any weight, for each of many tensors.

The buffer is as large as a part of the model, so that handing over the weights needs little memory
on either side, and the merged matrices of adapters are never all there at once. A tensor that does
not fit lies in several parts. Every sum is computed where its tensor is, and all of them are
fetched together: a GPU is waited for once, not once for each tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any

import torch

__all__ = ["WeightReceiver", "read_sums", "send_weights", "size_of_all", "sum_of_words"]

_ALIGNMENT = 256
_CHUNK = {True: 2**20, False: 2**24}  # words widened to 64 bits at once, on CPU and on GPU
_WORDS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def sum_of_words(tensor: torch.Tensor) -> torch.Tensor:
    """Returns the sum of a tensor's bit patterns, which wraps at 2^64, on the tensor's device.

    It does not depend on the order of the elements, so that the parts of a tensor that an engine
    has joined (queries, keys and values, say) add up to the whole, and padding by 0 adds nothing.

    >>> whole = torch.arange(6.0)
    >>> int(sum_of_words(whole)) == int(sum_of_words(whole[:2]) + sum_of_words(whole[2:]))
    True
    """
    words = tensor.detach().contiguous().view(_WORDS[tensor.element_size()]).flatten()
    total = torch.zeros((), dtype=torch.int64, device=words.device)
    for part in words.split(_CHUNK[words.device.type == "cpu"]):
        total += part.sum(dtype=torch.int64)
    return total


def read_sums(sums: Sequence[torch.Tensor]) -> list[int]:
    """Returns sums of `sum_of_words` modulo 2^64; they are fetched from a GPU together.

    >>> read_sums([sum_of_words(torch.tensor([1.0, -1.0])), sum_of_words(torch.zeros(2))])
    [18446744073692774400, 0]
    """
    return [value % 2**64 for value in torch.stack(list(sums)).tolist()] if sums else []


def size_of_all(weights: Iterable[torch.Tensor], dtype: torch.dtype) -> int:
    """Returns the size of a buffer that holds all of these weights at once.

    >>> size_of_all([torch.zeros(3), torch.zeros(200)], torch.bfloat16)
    768
    """
    return sum(_aligned(each.numel() * dtype.itemsize) for each in weights)


@torch.no_grad()
def send_weights(
    weights: Iterable[tuple[str, torch.Tensor]], dtype: torch.dtype, buffer: torch.Tensor
) -> Generator[dict[str, Any], None, None]:
    """Fills a buffer with weights, part by part.

    Args:
        weights: The weights by name.
        dtype: The type that they are converted to.
        buffer: Bytes, shape (size,), uint8.

    Yields:
        What the buffer holds now, as JSON holds it: `parts`, of which each is the `name`, `dtype`
        and `shape` of a tensor, the bytes `begin` to `end` of it, and the place `at` of those in
        the buffer. The last one also has `checksums`, by name. The buffer is filled again when the
        next one is asked for.
    """
    kind = str(dtype).removeprefix("torch.")
    sums: dict[str, torch.Tensor] = {}
    parts: list[dict[str, Any]] = []
    used = 0
    for name, tensor in weights:
        value = tensor.detach().to(dtype).contiguous()  # on its device: fewer bytes to copy
        sums[name] = sum_of_words(value)
        data = value.flatten().view(torch.uint8)
        begin = 0
        while begin < len(data) or begin == 0:
            if used >= len(buffer):
                _wait_for(buffer, value)
                yield {"parts": parts}
                parts, used = [], 0
            end = min(len(data), begin + len(buffer) - used)
            buffer[used : used + end - begin].copy_(data[begin:end], non_blocking=True)
            place = {"begin": begin, "end": end, "at": used}
            parts.append({"name": name, "dtype": kind, "shape": list(tensor.shape), **place})
            used += _aligned(end - begin)
            if end == len(data):
                break
            begin = end
    checksums = dict(zip(sums, read_sums(list(sums.values())), strict=True))
    _wait_for(buffer)
    yield {"parts": parts, "checksums": checksums}


class WeightReceiver:
    """Puts the weights together again that `send_weights` sends; to be iterated over once.

    Args:
        buffer: The shared buffer, shape (size,), uint8.
        device: Where the weights are to be.
        ask: Has the buffer filled, and returns what it then holds.

    Attributes:
        sums: The sum of each tensor as it arrived, by name.
        dtypes: The type of each.
        expected: The checksum of each as it was sent; known at the end.
    """

    def __init__(
        self, buffer: torch.Tensor, device: torch.device, ask: Callable[[], dict[str, Any]]
    ) -> None:
        self._buffer, self._device, self._ask = buffer, device, ask
        self.sums: dict[str, torch.Tensor] = {}
        self.dtypes: dict[str, torch.dtype] = {}
        self.expected: dict[str, int] = {}

    def __iter__(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Yields each weight when all of it is there, in memory of its own.

        Raises:
            ValueError: Parts are missing, or do not fit together.
        """
        value = data = torch.empty(0, dtype=torch.uint8)
        have = 0
        while True:
            message = self._ask()
            for part in message["parts"]:
                begin, end, at = part["begin"], part["end"], part["at"]
                if begin == 0 and have == len(data):
                    dtype = getattr(torch, part["dtype"])
                    size = math.prod(part["shape"])
                    value = torch.empty(size, dtype=dtype, device=self._device)
                    data, have = value.view(torch.uint8), 0
                if begin != have or not begin <= end <= len(data):
                    raise ValueError(f"bytes {begin} to {end} of {part['name']} were not expected")
                data[begin:end].copy_(self._buffer[at : at + end - begin])
                have = end
                if have == len(data):
                    value = value.view(part["shape"])
                    self.sums[part["name"]] = sum_of_words(value)
                    self.dtypes[part["name"]] = value.dtype
                    yield part["name"], value
            _wait_for(self._buffer, data)  # before it is written over
            if "checksums" in message:
                self.expected = message["checksums"]
                return


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _wait_for(*tensors: torch.Tensor) -> None:
    """Waits until what was launched on the GPUs of these tensors is done."""
    for device in {each.device for each in tensors if each.device.type == "cuda"}:
        torch.cuda.current_stream(device).synchronize()
