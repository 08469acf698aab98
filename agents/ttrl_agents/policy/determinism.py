"""Deterministic gradients: sums in the same order every time.

- `deterministic`: a context in which a gradient is the same bit for bit each time it is computed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

__all__ = ["deterministic"]


@contextlib.contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Makes PyTorch add gradients of shared rows in a fixed order on CPU.

    Completions of one prompt share its keys and values; by default several threads add up their
    gradient in arbitrary order. On GPU nothing is changed: it would be slower, and some kernels
    have no deterministic version.

    Args:
        device: The device that computes.
    """
    before = torch.are_deterministic_algorithms_enabled()
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
