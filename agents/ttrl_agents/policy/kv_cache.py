"""A key-value cache that is allocated once and shrinks with its batch.

- `PreallocatedLayer`: one layer; writes in place where `transformers` copies the whole cache.
- `make_cache`: a cache for a model, preallocated if all of its layers attend to all positions.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from transformers import Cache, DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer

__all__ = ["PreallocatedLayer", "make_cache"]


class PreallocatedLayer(DynamicLayer):
    """Keys and values of one layer in buffers of a fixed length, filled in place.

    Args:
        capacity: The most positions that will ever be written.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.capacity = capacity
        self.length = 0
        self._key_buffer: torch.Tensor
        self._value_buffer: torch.Tensor

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Allocates the buffers for the batch size, heads and widths of the first update."""
        self.dtype, self.device = key_states.dtype, key_states.device
        rows, heads = key_states.shape[:2]
        self._key_buffer = key_states.new_empty(rows, heads, self.capacity, key_states.shape[-1])
        self._value_buffer = value_states.new_empty(
            rows, heads, self.capacity, value_states.shape[-1]
        )
        self.is_initialized = True

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        *args: Any,  # noqa: ARG002 - the layer's interface
        **kwargs: Any,  # noqa: ARG002
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Writes new positions and returns views of all filled positions.

        Raises:
            ValueError: There is no room for them; one position would be dropped silently.
        """
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, self.length = self.length, self.length + key_states.shape[-2]
        if self.length > self.capacity:
            raise ValueError(f"the cache has room for {self.capacity} positions, not {self.length}")
        self._key_buffer[:, :, start : self.length] = key_states
        self._value_buffer[:, :, start : self.length] = value_states
        return self._view()

    def get_seq_length(self) -> int:
        """Returns the number of positions filled so far."""
        return self.length

    def take(self, rows: torch.Tensor) -> None:
        """Keeps these rows, in this order; a row may be taken more than once."""
        filled = slice(0, self.length)
        fits = len(rows) <= self._key_buffer.shape[0]
        moved = rows != torch.arange(len(rows), device=rows.device)
        for name in ("_key_buffer", "_value_buffer"):
            old = getattr(self, name)
            if fits:  # rows that stay where they are cost nothing
                new = old[: len(rows)]
                new[moved, :, filled] = old[rows[moved], :, filled]
            else:
                new = old.new_empty(len(rows), *old.shape[1:])
                new[:, :, filled] = old[rows, :, filled]
            setattr(self, name, new)
        self._view()

    def _view(self) -> tuple[torch.Tensor, torch.Tensor]:
        keys = self._key_buffer[:, :, : self.length]
        values = self._value_buffer[:, :, : self.length]
        self.keys, self.values = keys, values
        return keys, values


class _PreallocatedCache(Cache):
    """A cache of preallocated layers."""

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        for layer in self.layers:
            cast(PreallocatedLayer, layer).take(indices)


def make_cache(config: PreTrainedConfig, capacity: int) -> Cache:
    """Makes an empty cache for a model.

    Args:
        config: The model's configuration.
        capacity: The most positions that will ever be written.

    Returns:
        A preallocated cache if every layer attends to all positions; otherwise (sliding-window or
        recurrent layers) the cache that `transformers` makes for the model.
    """
    text_config = config.get_text_config()
    layer_types = getattr(text_config, "layer_types", None)
    slides = getattr(text_config, "sliding_window", None) is not None
    if all(kind == "full_attention" for kind in layer_types) if layer_types else not slides:
        count = text_config.num_hidden_layers
        return _PreallocatedCache(layers=[PreallocatedLayer(capacity) for _ in range(count)])
    return DynamicCache(config=config)
