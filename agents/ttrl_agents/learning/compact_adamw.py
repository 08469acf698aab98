"""AdamW in 8 bytes a weight instead of 18, for models that would not fit otherwise.

- `CompactAdamW`: the optimizer.
- `make_adamw`: the optimizer of a run.

For a weight of 16 bits `MasterAdamW` keeps 2 bytes of the weight, 4 of its float32 master, 8 of its
moments and 4 of its gradient. Here a moment takes one byte (`eight_bits`), the master is the weight
and 16 more bits, and gradients of micro-batches are added up in the type of the weights. The step
itself is computed in float32, a slice of a weight at a time. Instead of the second moment its root
is kept, since that is what AdamW divides by: its 8 bits cover twice as many decades.

It steps through flat slices of each weight, so a sharded run has to give it the local part of a
DTensor, whose blocks then end where the shard ends, and the norm over all ranks.

The state is made of plain tensors, so a checkpoint holds it as it is and a resumed run goes on bit
for bit. Optimizers of other packages keep it in tensor classes of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.learning.eight_bits import BLOCK, decode, encode, join_float32, split_float32
from ttrl_agents.learning.master_adamw import MasterAdamW

__all__ = ["CompactAdamW", "make_adamw"]

# What a step computes at once: some float32 copies of a slice are alive at the same time.
_SLICE = 2**16 * BLOCK


class CompactAdamW(MasterAdamW):
    """AdamW with 8-bit moments.

    The state of a weight holds `step`, `exp_avg` and `root` with their `exp_avg_scale` and
    `root_scale`, and for a bfloat16 weight `low`, the bits that it lacks to float32.

    Args:
        parameters: The weights; those that need no gradient are left out.
        lr: The learning rate.
        betas: Decay of the moments.
        weight_decay: Decoupled weight decay.
        eps: Added to the root of the second moment.

    Raises:
        AgentError: A weight is float16.
    """

    sums_in_float32: ClassVar[bool] = False

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        *,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.01,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, lr=lr, betas=betas, weight_decay=weight_decay, eps=eps)
        self._shrink = 1.0  # what clipping multiplies gradients by, in the step and not in 16 bits
        if any(each.dtype == torch.float16 for each in self._weights):
            raise AgentError(
                "--optimizer-bits 8 takes weights in bfloat16 or float32, and these are float16. "
                "Use --dtype bfloat16, or --optimizer-bits 32."
            )

    def clip(self, max_norm: float) -> float:
        """Has the step scale the gradient down to a norm; returns the norm that it has."""
        norms = [
            torch.linalg.vector_norm(each.grad, dtype=torch.float32)
            for each in self._weights
            if each.grad is not None
        ]
        norm = float(torch.linalg.vector_norm(torch.stack(norms))) if norms else 0.0
        self._shrink = min(1.0, max_norm / (norm + 1e-6))
        return norm

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Moves the weights by the gradient that was added up."""
        if closure is not None:
            raise ValueError("CompactAdamW takes no closure")
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self._state_of(weight)
                state["step"] += 1
                for part, blocks in _slices(weight.numel()):
                    self._move(weight, state, group, part, blocks)
        self._shrink = 1.0

    @torch.no_grad()
    def take_up_state(self) -> None:
        """Adapts a state that was loaded to weights that are float32 now."""
        for weight, state in self.state.items():
            if weight.dtype == torch.float32 and "low" in state:
                weight.copy_(join_float32(weight.bfloat16(), state.pop("low")))

    def forget_masters(self) -> None:
        """Discards the bits that weights lack to float32."""
        for state in self.state.values():
            if "low" in state:
                state["low"].zero_()

    def _move(
        self,
        weight: torch.nn.Parameter,
        state: dict[str, Any],
        group: dict[str, Any],
        part: slice,
        blocks: slice,
    ) -> None:
        """Takes the step of a slice of a weight, as PyTorch's AdamW does."""

        def flat(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.view(-1)[part]

        beta1, beta2 = group["betas"]
        count, rate = float(state["step"]), group["lr"]
        own = flat(weight)
        grad = flat(weight.grad).float() * self._shrink  # type: ignore[arg-type]
        value = join_float32(own, flat(state["low"])) if "low" in state else own
        first = decode(flat(state["exp_avg"]), state["exp_avg_scale"][blocks], signed=True)
        root = decode(flat(state["root"]), state["root_scale"][blocks], signed=False)
        first.lerp_(grad, 1 - beta1)
        root = root.square_().mul_(beta2).addcmul_(grad, grad, value=1 - beta2).sqrt_()
        divisor = (root / math.sqrt(1 - beta2**count)).add_(group["eps"])
        value = value * (1 - rate * group["weight_decay"])
        value.addcdiv_(first, divisor, value=-rate / (1 - beta1**count))
        if "low" in state:
            high, low = split_float32(value)
            own.copy_(high)
            flat(state["low"]).copy_(low)
        else:
            own.copy_(value)
        for name, moment, signed in (("exp_avg", first, True), ("root", root, False)):
            codes, scales = encode(moment, signed=signed)
            flat(state[name]).copy_(codes)
            state[f"{name}_scale"][blocks] = scales

    def _moved(self, weight: torch.nn.Parameter) -> torch.Tensor:
        """What has the gradient: the weight itself."""
        return weight

    def _state_of(self, weight: torch.nn.Parameter) -> dict[str, Any]:
        state: dict[str, Any] = self.state[weight]
        if "step" not in state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            for name, signed in (("exp_avg", True), ("root", False)):
                zero, _ = encode(torch.zeros(1), signed=signed)
                state[name] = torch.full_like(weight, int(zero), dtype=torch.uint8)
                blocks = -(-weight.numel() // BLOCK)
                state[f"{name}_scale"] = torch.zeros(blocks, device=weight.device)
            if weight.dtype == torch.bfloat16:
                state["low"] = torch.zeros_like(weight, dtype=torch.int16)
        return state


def make_adamw(
    parameters: Iterable[torch.nn.Parameter],
    *,
    bits: int,
    lr: float,
    betas: tuple[float, float],
    weight_decay: float,
) -> MasterAdamW:
    """Returns the optimizer of a run.

    Args:
        parameters: The weights.
        bits: Of a moment, 32 or 8.
        lr: The learning rate.
        betas: Decay of the moments.
        weight_decay: Decoupled weight decay.

    Raises:
        AgentError: There is no optimizer of so many bits.
    """
    kinds = {32: MasterAdamW, 8: CompactAdamW}
    if bits not in kinds:
        raise AgentError(f"--optimizer-bits must be 32 or 8, not {bits}.")
    return kinds[bits](parameters, lr=lr, betas=betas, weight_decay=weight_decay)


def _slices(count: int) -> Iterator[tuple[slice, slice]]:
    """Yields the slices of a flattened weight, and of its blocks."""
    for start in range(0, count, _SLICE):
        end = min(start + _SLICE, count)
        yield slice(start, end), slice(start // BLOCK, -(-end // BLOCK))
