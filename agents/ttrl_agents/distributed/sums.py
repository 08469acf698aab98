"""The sums of gradients that a model needs: one if it is divided over ranks, another if not.

- `gradient_sums`: returns them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ttrl_agents.distributed.rounds import GradientSum, RoundSum
from ttrl_agents.distributed.sharding import gradient_sum_of, sharding_of
from ttrl_agents.distributed.world import world

__all__ = ["gradient_sums"]


def gradient_sums(
    model: Any, moved: Callable[[], Sequence[torch.Tensor]], device: torch.device
) -> list[RoundSum]:
    """Returns what adds up the gradients of a model over ranks.

    Args:
        model: The model.
        moved: Returns the tensors that its optimizer moves, whose gradients are added up.
        device: What it computes on. On CPU the order is that of one process.
    """
    if sharding_of(model) is not None:
        return [gradient_sum_of(model)]
    return [GradientSum(world(), moved, ordered=device.type == "cpu")]
