"""Prompts and completions as tensors of token ids.

- `TokenBatch`: completions and their prompts, padded or packed on demand.
- `pad`: rows of token ids as one tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from ttrl_agents.policy.packed import PackedBatch, pack

__all__ = ["TokenBatch", "pad"]

Ids = Sequence[int] | npt.NDArray[np.int64]


@dataclass(frozen=True)
class TokenBatch:
    """Completions and the prompt of each; tensors are made on first use.

    Attributes:
        prompts: Token ids of each completion's prompt.
        completions: Token ids of each completion.
        pad_token_id: What padding is filled with.
        device: Where the tensors are.
    """

    prompts: Sequence[tuple[int, ...]]
    completions: Sequence[Ids]
    pad_token_id: int
    device: torch.device | str = "cpu"

    @classmethod
    def from_ids(
        cls,
        prompts: Sequence[tuple[int, ...]],
        completions: Sequence[Ids],
        *,
        pad_token_id: int,
        device: torch.device | str = "cpu",
    ) -> TokenBatch:
        """Makes a batch of token ids.

        Args:
            prompts: Token ids of each completion's prompt; at least one.
            completions: Token ids of each completion; at least one.
            pad_token_id: What padding is filled with.
            device: Where the tensors go.

        Raises:
            ValueError: A prompt or a completion is empty.
        """
        if any(len(p) == 0 for p in prompts) or any(len(c) == 0 for c in completions):
            raise ValueError("every prompt and every completion needs at least one token")
        return cls(prompts, completions, pad_token_id, device)

    @cached_property
    def packed(self) -> PackedBatch:
        """The batch as one row without padding."""
        return pack(self.prompts, self.completions, self.device)

    @property
    def prompt_ids(self) -> torch.Tensor:
        """The distinct prompts, padded on the left, shape (prompts, longest prompt), int64."""
        return self._prompts[0]

    @property
    def prompt_mask(self) -> torch.Tensor:
        """Which of them are tokens, bool."""
        return self._prompts[1]

    @cached_property
    def rows(self) -> torch.Tensor:
        """The distinct prompt of each completion, shape (completions,), int64."""
        places = {ids: k for k, ids in enumerate(dict.fromkeys(self.prompts))}
        return torch.tensor([places[ids] for ids in self.prompts]).to(self.device)

    @property
    def completion_ids(self) -> torch.Tensor:
        """The completions, padded on the right, shape (completions, longest), int64."""
        return self._completions[0]

    @property
    def completion_mask(self) -> torch.Tensor:
        """Which of them are tokens, bool."""
        return self._completions[1]

    @property
    def shape(self) -> tuple[int, int]:
        """The number of completions, and of tokens in the longest."""
        return len(self.completions), max(map(len, self.completions))

    @cached_property
    def targets(self) -> torch.Tensor:
        """The tokens of all completions, one after the other, int64."""
        flat = np.concatenate([np.asarray(each, dtype=np.int64) for each in self.completions])
        return torch.from_numpy(flat).to(self.device)

    @cached_property
    def places(self) -> torch.Tensor:
        """The index of each of these tokens in a flattened tensor of shape `shape`; int64.

        It is made on the host: finding it in a mask would have to wait for the GPU.
        """
        width = self.shape[1]
        spans = [np.arange(len(c)) + k * width for k, c in enumerate(self.completions)]
        return torch.from_numpy(np.concatenate(spans)).to(self.device)

    def spread(self, values: torch.Tensor) -> torch.Tensor:
        """Returns values of all tokens, as `targets` lists them, in `shape`; 0 elsewhere."""
        flat = values.new_zeros(self.shape[0] * self.shape[1])
        return flat.index_copy(0, self.places, values).view(self.shape)

    @cached_property
    def _prompts(self) -> tuple[torch.Tensor, torch.Tensor]:
        ids, mask = pad(list(dict.fromkeys(self.prompts)), self.pad_token_id, left=True)
        return ids.to(self.device), mask.to(self.device)

    @cached_property
    def _completions(self) -> tuple[torch.Tensor, torch.Tensor]:
        ids, mask = pad(self.completions, self.pad_token_id)
        return ids.to(self.device), mask.to(self.device)


def pad(
    rows: Sequence[Ids], value: int, *, left: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pads rows of token ids to one tensor.

    Args:
        rows: At least one row of token ids.
        value: What padding is filled with.
        left: Whether padding goes before the tokens instead of after them.

    Returns:
        The token ids, shape (rows, longest row), int64, and which of them are tokens, bool.
    """
    sizes = np.array([len(row) for row in rows])
    width = int(sizes.max())
    columns = np.arange(width)
    mask = columns >= (width - sizes)[:, None] if left else columns < sizes[:, None]
    ids = np.full((len(rows), width), value, dtype=np.int64)
    ids[mask] = np.concatenate([np.asarray(row, dtype=np.int64) for row in rows])
    return torch.from_numpy(ids), torch.from_numpy(mask)
