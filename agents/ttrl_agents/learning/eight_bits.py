"""Numbers in 8 bits with a scale for every 256 of them, and float32 as bfloat16 and 16 more bits.

- `encode`, `decode`: floats to codes and scales, and back.
- `split_float32`, `join_float32`: a float32 number as the nearest bfloat16 and what is left.
- `BLOCK`: how many numbers share a scale.

A code names one of 256 values between 0 (or -1) and 1, which lie in seven decades: a large number
is off by less than a percent of the largest of its block, a small one by a share of itself. This is
the dynamic data type of block-wise 8-bit optimizers (arXiv 2110.02861). The scale of a block is its
largest magnitude.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F

__all__ = ["BLOCK", "decode", "encode", "join_float32", "split_float32"]

BLOCK = 256
_DECADES = 7


@functools.cache
def _values(signed: bool, device: torch.device) -> torch.Tensor:
    """The values of the 256 codes, in ascending order.

    Each decade has twice as many as the one below; with a sign, half of them are negative.
    """
    found = [0.0, 1.0]
    for decade in range(_DECADES):
        count = 2**decade if signed else 2 ** (decade + 1)
        for k in range(count):
            value = (0.1 + 0.9 * (k + 0.5) / count) * 10.0 ** (decade + 1 - _DECADES)
            found += [value, -value] if signed else [value]
    return torch.tensor(sorted(found), dtype=torch.float32, device=device)


@functools.cache
def _edges(signed: bool, device: torch.device) -> torch.Tensor:
    """Where the nearest value changes; without a sign, only 0 itself becomes 0."""
    values = _values(signed, device)
    edges = (values[1:] + values[:-1]) / 2
    if not signed:
        edges[0] = 0.0
    return edges


def encode(numbers: torch.Tensor, *, signed: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns codes, uint8, and the scale of each block, float32.

    Args:
        numbers: Shape (count,), float32.
        signed: Whether numbers may be negative. Numbers without a sign are never rounded to 0,
            since they are divided by.

    >>> codes, scales = encode(torch.tensor([0.0, -2.0, 1e-5, 1.0]), signed=True)
    >>> [round(each, 6) for each in decode(codes, scales, signed=True).tolist()]
    [0.0, -1.985937, 6e-06, 1.001562]
    """
    blocks = F.pad(numbers, (0, -len(numbers) % BLOCK)).view(-1, BLOCK)
    scales = blocks.abs().amax(1)
    # A block of zeros has the scale 0; and the smallest float32 numbers have no inverse.
    shares = blocks / scales.clamp(min=torch.finfo(torch.float32).tiny)[:, None]
    codes = torch.bucketize(shares, _edges(signed, numbers.device), out_int32=True)
    return codes.to(torch.uint8).view(-1)[: len(numbers)], scales


def decode(codes: torch.Tensor, scales: torch.Tensor, *, signed: bool) -> torch.Tensor:
    """Returns the numbers of some codes, float32.

    Args:
        codes: Shape (count,), uint8.
        scales: One for each block of them.
        signed: As for `encode`.
    """
    values = _values(signed, codes.device)[codes.int()]
    padded = F.pad(values, (0, -len(values) % BLOCK)).view(-1, BLOCK)
    return (padded * scales[:, None]).view(-1)[: len(values)]


def split_float32(numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the nearest bfloat16 numbers, and what is left of float32, int16.

    Halfway between two, the one of larger magnitude is taken.
    """
    bits = numbers.view(torch.int32)
    high = (bits + 2**15) >> 16
    low = bits - (high << 16)
    return high.to(torch.int16).view(torch.bfloat16), low.to(torch.int16)


def join_float32(high: torch.Tensor, low: torch.Tensor) -> torch.Tensor:
    """Returns the float32 numbers that `split_float32` took apart.

    >>> numbers = torch.tensor([3.14159265, -1e-30, 0.0])
    >>> join_float32(*split_float32(numbers)).equal(numbers)
    True
    """
    bits = (high.view(torch.int16).int() << 16) + low.int()
    return bits.view(torch.float32)
