"""A cache of what each row of a batch has read, so that acting reads one token per step.

- `PrefixCache`: the cache.
"""

from __future__ import annotations

from typing import cast

import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.kv_cache import PreallocatedLayer, make_cache
from ttrl_agents.policy.policy import Policy
from ttrl_agents.sb3.ragged_layer import RaggedLayer
from ttrl_agents.sb3.sequences import longest_sequences

__all__ = ["PrefixCache"]

# Rows are dropped once this share of those held is unused, since a drop copies the cache.
_DROP_SHARE = 0.15


class PrefixCache:
    """Keys and values of what the rows of a batch have read so far.

    Rows are checked against the cache: a row is continued only if it extends what was read by
    exactly one token. All others are read from their beginning. The cache is cleared when a weight
    has changed.

    Args:
        policy: The language model.
        capacity: The most tokens of a row.

    Raises:
        AgentError: Not all layers of the model attend to all positions.
    """

    def __init__(self, policy: Policy, capacity: int) -> None:
        layers = make_cache(policy.model.config, 1).layers
        if not layers or not all(isinstance(layer, PreallocatedLayer) for layer in layers):
            raise AgentError(
                f"Some layers of model {policy.name!r} slide or recur, so what its rows have read "
                "cannot be kept for rows of different lengths. Pass use_cache=False; acting then "
                "reads every prefix anew."
            )
        self.policy = policy
        self.capacity = capacity
        self.tokens_read = 0
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        count = self.policy.model.config.get_text_config().num_hidden_layers
        self._cache = Cache(layers=[RaggedLayer(self.capacity) for _ in range(count)])
        device = self.policy.device
        self._version: tuple[tuple[int, int], ...] = ()
        # What is held: the row of the batch, its ids, and how many of them were read.
        self._rows = torch.zeros(0, dtype=torch.long, device=device)
        self._ids = torch.zeros(0, self.capacity, dtype=torch.long, device=device)
        self._lengths = torch.zeros(0, dtype=torch.long, device=device)

    @torch.no_grad()
    def read(self, rows: torch.Tensor, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Returns the hidden state at the last token of each row.

        Args:
            rows: Which rows of the batch these are, in ascending order, int64.
            ids: Their token ids, shape (rows, capacity).
            lengths: How many of them are tokens, 1 or more.
        """
        version = self._weights_version()
        if version != self._version:
            self.clear()
            self._version = version
        slots = self._slots(rows)
        known = self._goes_on(slots, ids, lengths)
        count = int(known.sum())
        if count < len(rows) or count <= (1 - _DROP_SHARE) * len(self._rows):
            self._keep(slots[known])
            slots = self._slots(rows)
        hidden: torch.Tensor | None = None
        for part, found in ((known, self._advance), (~known, self._start)):
            if part.any():
                states = found(slots[part], rows[part], ids[part], lengths[part])
                if hidden is None:
                    hidden = states.new_empty(len(rows), states.shape[-1])
                hidden[part] = states
        if hidden is None:
            raise ValueError("there are no rows to read")
        return hidden

    def _slots(self, rows: torch.Tensor) -> torch.Tensor:
        """Where each row is held, or -1."""
        found = rows[:, None] == self._rows
        slots = found.int().argmax(dim=1) if len(self._rows) else torch.zeros_like(rows)
        return slots.masked_fill(~found.any(dim=1), -1)

    def _goes_on(
        self, slots: torch.Tensor, ids: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Whether each row is what was read plus one token."""
        if len(self._rows) == 0:
            return torch.zeros_like(slots, dtype=torch.bool)
        read = self._lengths[slots]
        beyond = torch.arange(self.capacity, device=ids.device) >= read[:, None]
        same = ((self._ids[slots] == ids) | beyond).all(dim=1)
        return (slots >= 0) & (lengths == read + 1) & same

    def _keep(self, slots: torch.Tensor) -> None:
        if len(slots) == 0:
            version = self._version
            self.clear()
            self._version = version
            return
        if len(slots) < len(self._rows):
            for layer in self._cache.layers:
                cast(RaggedLayer, layer).take(slots)
            self._rows, self._ids = self._rows[slots], self._ids[slots]
            self._lengths = self._lengths[slots]

    def _advance(
        self, slots: torch.Tensor, _: torch.Tensor, ids: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Reads one more token of these slots; the other slots are run too and ignored."""
        columns = self._lengths.clamp(max=self.capacity - 1)
        tokens = torch.zeros_like(columns)
        tokens[slots] = ids.gather(1, lengths[:, None] - 1).squeeze(1)
        self._ids[slots], self._lengths[slots] = ids, lengths
        longest = int(columns.max())
        for layer in self._cache.layers:
            cast(RaggedLayer, layer).turn_to(columns, longest)
        mask = torch.arange(longest + 1, device=columns.device) <= columns[:, None]
        self.tokens_read += len(slots)
        return self._run(tokens[:, None], mask, columns[:, None], self._cache)[slots, 0]

    def _start(
        self, _: torch.Tensor, rows: torch.Tensor, ids: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Reads rows from their beginning, equal ones once, and holds them."""
        longest, place = longest_sequences(ids.cpu().numpy(), lengths.cpu().numpy())
        sequences = torch.from_numpy(longest).to(ids.device)
        width = int(lengths.max())
        columns = torch.arange(width, device=ids.device)
        mask = columns < lengths[sequences, None]
        cache = DynamicCache(config=self.policy.model.config)
        positions = columns.expand(len(sequences), -1)
        states = self._run(ids[sequences, :width], mask, positions, cache)
        self.tokens_read += int(lengths[sequences].sum())
        places = torch.from_numpy(place).to(ids.device)
        for layer, new in zip(
            self._cache.layers, cast(list[DynamicLayer], cache.layers), strict=True
        ):
            keys, values = (cast(torch.Tensor, each) for each in (new.keys, new.values))
            cast(RaggedLayer, layer).append(keys[places], values[places])
        self._rows = torch.cat([self._rows, rows])
        self._ids = torch.cat([self._ids, ids])
        self._lengths = torch.cat([self._lengths, lengths])
        return states[places, lengths - 1]

    def _run(
        self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Cache
    ) -> torch.Tensor:
        with self.policy.precision():
            states: torch.Tensor = self.policy.model.base_model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                use_cache=True,
                **{self.policy.cache_argument: cache},
            ).last_hidden_state
        return states

    def _weights_version(self) -> tuple[tuple[int, int], ...]:
        """Changes whenever a weight is written to or replaced."""
        return tuple((each.data_ptr(), each._version) for each in self.policy.model.parameters())
