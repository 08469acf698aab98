"""A model whose weights wait in main memory while the GPU does something else.

- `Offloaded`: such a model.

The initial policy that a divergence is measured from is needed for one pass over the completions of
a step, before any gradient exists. Kept in main memory for the rest of the step, it leaves the GPU
the room that gradients take, for the price of one copy of its weights to the GPU.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

__all__ = ["Offloaded"]


class Offloaded:
    """A model in main memory that can be brought back to its device; its weights do not change.

    Args:
        model: The model, on its device.
    """

    def __init__(self, model: Any) -> None:
        self._device: torch.device = model.device
        self._tensors: list[torch.Tensor] = [*model.parameters(), *model.buffers()]
        pin = self._device.type == "cuda"
        self._kept = [self._copy(each, pin=pin) for each in self._tensors]
        self._put_away()

    @contextlib.contextmanager
    def brought_back(self) -> Iterator[None]:
        """Has the weights on their device within the context."""
        for each, kept in zip(self._tensors, self._kept, strict=True):
            each.data = kept.to(self._device, non_blocking=True)
        try:
            yield
        finally:
            self._put_away()

    @staticmethod
    def _copy(tensor: torch.Tensor, *, pin: bool) -> torch.Tensor:
        here = tensor.data.cpu()
        return here.pin_memory() if pin else here  # only pinned memory is copied at full speed

    def _put_away(self) -> None:
        for each, kept in zip(self._tensors, self._kept, strict=True):
            each.data = kept
