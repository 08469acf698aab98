"""The sum of gradients of a divided model, in the order in which one process adds them up.

- `OrderedReduceScatter`: takes the place of PyTorch's operation.
- `ShardedSum`: tells it of rounds and updates.

PyTorch adds up the ranks' gradients of a round first, and the rounds after that. In floating point
that is another number than micro-batch after micro-batch, which is how one process adds them up.
On CPU, the reference, they are added up like that here too. It takes more memory and more traffic
than PyTorch's sum, which GPUs use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.fsdp._fully_shard._fsdp_api import ReduceScatter

from ttrl_agents.distributed.failures import losing_ranks

__all__ = ["OrderedReduceScatter", "ShardedSum"]


class OrderedReduceScatter(ReduceScatter):
    """Adds the gradients of a round to those of the rounds before, rank by rank.

    Its output is the sum so far, so gradients have to be cleared before the next round.

    Attributes:
        counted: How many ranks have a gradient in this round; the others' is not added.
    """

    def __init__(self) -> None:
        self.counted = 0
        self._total: torch.Tensor | None = None

    def allocate(
        self, size: Sequence[int | torch.SymInt], *, dtype: torch.dtype, device: torch.device
    ) -> torch.Tensor:
        """Returns memory for the gradients that go in and those that come out."""
        return torch.empty(*size, dtype=dtype, device=device)

    def __call__(
        self,
        output_tensor: torch.Tensor,
        input_tensor: torch.Tensor,
        group: dist.ProcessGroup,
        op: Any,  # noqa: ARG002 - a sum, as this rank's part of a model asked for
        async_op: bool = False,  # noqa: ARG002 - a GPU's
    ) -> None:
        """Exchanges the ranks' gradients of each other's parts, and adds up those of its own."""
        parts = torch.empty_like(input_tensor)
        with losing_ranks():
            dist.all_to_all_single(parts, input_tensor, group=group)
        for part in parts.view(group.size(), -1)[: self.counted]:
            self._total = part.clone() if self._total is None else self._total.add_(part)
        if self._total is not None:
            output_tensor.copy_(self._total)

    def reset(self) -> None:
        """Forgets the sum: the next round begins an update."""
        self._total = None


class ShardedSum:
    """The sum of gradients over ranks of a model that is divided over them.

    Args:
        parameters: The weights of the model.
        scatters: What adds up their gradients; none where PyTorch does.
    """

    def __init__(
        self, parameters: Iterable[torch.nn.Parameter], scatters: Sequence[OrderedReduceScatter]
    ) -> None:
        self._parameters = list(parameters)
        self._scatters = scatters

    def begin_round(self, counted: int) -> None:
        """Clears the gradients, which the backward pass replaces with the sum so far."""
        if self._scatters:
            for parameter in self._parameters:
                parameter.grad = None
        for each in self._scatters:
            each.counted = counted

    def end_round(self) -> None:
        """Does nothing: the backward pass has added up the gradients."""

    def end_update(self) -> None:
        """Leaves the sum where it is."""
        for each in self._scatters:
            each.reset()
