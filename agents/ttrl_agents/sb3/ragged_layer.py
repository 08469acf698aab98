"""A key-value cache whose rows have different lengths.

- `RaggedLayer`: one layer of such a cache.
"""

from __future__ import annotations

from typing import Any

import torch

from ttrl_agents.policy.kv_cache import PreallocatedLayer

__all__ = ["RaggedLayer"]


class RaggedLayer(PreallocatedLayer):
    """A layer whose rows begin at position 0 and each write their next token at their own.

    Before each forward pass of one token per row, `turn_to` sets the places; positions after a
    row's own place are stale and must be masked.

    Args:
        capacity: The most positions that will ever be written.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._columns: torch.Tensor

    def turn_to(self, columns: torch.Tensor, longest: int) -> None:
        """Sets where the next token of each row goes, `longest` being the largest place."""
        self._columns, self.length = columns, longest

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        *args: Any,  # noqa: ARG002 - the layer's interface
        **kwargs: Any,  # noqa: ARG002
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Writes one position of each row and returns views of all filled positions."""
        rows = torch.arange(len(self._columns), device=self._columns.device)
        self._key_buffer[rows, :, self._columns] = key_states[:, :, 0].to(self.dtype)
        self._value_buffer[rows, :, self._columns] = value_states[:, :, 0]
        self.length += 1
        return self._view()

    def take(self, rows: torch.Tensor) -> None:
        """Keeps these rows, in this order."""
        super().take(rows)
        # Short rows are empty where long ones are not. These places are masked, but NaN would pass.
        self._key_buffer[:, :, self.length :] = 0.0
        self._value_buffer[:, :, self.length :] = 0.0

    def append(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Adds rows, with their first positions."""
        width = key_states.shape[-2]
        if not self.is_initialized:
            self.lazy_initialization(key_states[:0], value_states[:0])
        for name, states in (("_key_buffer", key_states), ("_value_buffer", value_states)):
            old = getattr(self, name)
            new = old.new_zeros(len(old) + len(states), *old.shape[1:])
            new[: len(old)] = old
            new[len(old) :, :, :width] = states
            setattr(self, name, new)
        self.length = max(self.length, width)
