"""AdamW with float32 master copies of 16-bit weights.

- `MasterAdamW`: the optimizer.

A step of 5e-7 is far below the spacing of bfloat16 numbers: weights that are kept in 16 bits never
move. So each such weight has a float32 *master*: the step moves the master, and the weight is
rounded from it. Gradients of micro-batches are added up in float32 too. Weights that are float32
already have no master and use PyTorch's AdamW.

A sharded run can use it as it is: the master, moments and gradient of a weight that is a DTensor
are DTensors of the same layout, the step is elementwise, and the norm that `clip` takes is over all
ranks. Where a sharding library keeps float32 shards and casts what it gathers, weights are float32
here, and have no master.

With float16 weights small gradients vanish, so the loss is scaled up before the backward pass and
the gradient scaled down after it; the scale is halved when the gradient overflows and doubled after
many steps without overflow.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import torch
from torch.optim.adamw import adamw

from ttrl_agents.distributed.sharding import clip_gradients

__all__ = ["MasterAdamW"]

_FIRST_SCALE = 2.0**13
_LARGEST_SCALE = 2.0**24
_STEPS_TO_DOUBLE = 200


class MasterAdamW(torch.optim.Optimizer):
    """AdamW in float32, whatever the type of the weights.

    The state of a weight holds `step`, `exp_avg` and `exp_avg_sq`, and for one of 16 bits `master`.
    Code that changes such weights elsewhere must call `forget_masters`.

    Args:
        parameters: The weights; those that need no gradient are left out.
        lr: The learning rate.
        betas: Decay of the moments.
        weight_decay: Decoupled weight decay.
        eps: Added to the root of the second moment.

    Attributes:
        loss_scale: What `backward` multiplies the loss by; 1 unless weights are float16.
        sums_in_float32: Whether gradients are added up in float32 whatever the weights are.
    """

    sums_in_float32: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        *,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.01,
        eps: float = 1e-8,
    ) -> None:
        trained = [each for each in parameters if each.requires_grad]
        super().__init__(
            trained, {"lr": lr, "betas": betas, "weight_decay": weight_decay, "eps": eps}
        )
        self._weights = trained
        half = any(each.dtype == torch.float16 for each in trained)
        self.loss_scale = _FIRST_SCALE if half else 1.0
        self._good_steps = 0
        for weight in trained:
            if self.sums_in_float32 and weight.dtype != torch.float32:
                weight.register_post_accumulate_grad_hook(_adder(self))

    def backward(self, loss: torch.Tensor) -> None:
        """Adds the gradient of a loss to the gradients so far."""
        (loss if self.loss_scale == 1 else loss * self.loss_scale).backward()

    def moved(self) -> list[torch.Tensor]:
        """Returns what a step moves, with the gradients so far: the weights or their masters."""
        return [self._moved(weight) for weight in self._weights]

    def clip(self, max_norm: float) -> float:
        """Scales the gradient down to a norm; returns the norm that it had."""
        moved = self.moved()
        if self.loss_scale != 1:
            grads = [each.grad for each in moved if each.grad is not None]
            torch._foreach_mul_(grads, 1 / self.loss_scale)
        return clip_gradients(moved, max_norm)

    def back_off(self) -> bool:
        """Halves the loss scale; returns whether there was anything to halve."""
        self._good_steps = 0
        if self.loss_scale == 1:
            return False
        self.loss_scale /= 2
        return True

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Moves the weights by the gradient that was added up."""
        if closure is not None:
            raise ValueError("MasterAdamW takes no closure")
        for group in self.param_groups:
            weights = [each for each in group["params"] if self._moved(each).grad is not None]
            states = [self._state_of(each) for each in weights]
            moved = [self._moved(each) for each in weights]
            adamw(
                moved,
                [each.grad for each in moved if each.grad is not None],
                [each["exp_avg"] for each in states],
                [each["exp_avg_sq"] for each in states],
                [],
                [each["step"] for each in states],
                fused=_fused(weights) or None,
                amsgrad=False,
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                maximize=False,
            )
            rounded = [k for k, each in enumerate(weights) if moved[k] is not each]
            if rounded:
                torch._foreach_copy_(
                    [_local(weights[k]) for k in rounded], [_local(moved[k]) for k in rounded]
                )
        self._good_steps += 1
        if self.loss_scale != 1 and self._good_steps % _STEPS_TO_DOUBLE == 0:
            self.loss_scale = min(2 * self.loss_scale, _LARGEST_SCALE)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradient."""
        super().zero_grad(set_to_none)
        for weight in self._weights:
            self._moved(weight).grad = None

    @torch.no_grad()
    def take_up_state(self) -> None:
        """Adapts a state that was loaded.

        A master becomes the weight where the weight is float32 now, and the other way round.
        """
        for weight, state in self.state.items():
            if weight.dtype == torch.float32 and "master" in state:
                weight.copy_(state.pop("master"))
            elif "master" in state:
                weight.copy_(state["master"])
            if "step" in state and _fused([weight]):
                state["step"] = state["step"].to(weight.device)

    def scale_tensor(self) -> torch.Tensor:
        """Returns the loss scale and the number of steps since it changed."""
        return torch.tensor([self.loss_scale, float(self._good_steps)])

    def restore_scale(self, tensor: torch.Tensor) -> None:
        """Puts back what `scale_tensor` returned; float32 weights use no scale."""
        if self.loss_scale != 1:
            self.loss_scale, self._good_steps = float(tensor[0]), int(tensor[1])

    def forget_masters(self) -> None:
        """Discards the masters; the next step makes new ones from the weights."""
        for state in self.state.values():
            state.pop("master", None)

    def _moved(self, weight: torch.nn.Parameter) -> torch.Tensor:
        """What the step moves: the weight itself or its master."""
        if weight.dtype == torch.float32:
            return weight
        state = self.state[weight]
        if "master" not in state:
            state["master"] = weight.detach().float()
        master: torch.Tensor = state["master"]
        return master

    def _state_of(self, weight: torch.nn.Parameter) -> dict[str, Any]:
        state: dict[str, Any] = self.state[weight]
        if "step" not in state:
            moved = self._moved(weight)
            where = weight.device if _fused([weight]) else "cpu"
            state["step"] = torch.zeros((), dtype=torch.float32, device=where)
            state["exp_avg"] = torch.zeros_like(moved, memory_format=torch.preserve_format)
            state["exp_avg_sq"] = torch.zeros_like(moved, memory_format=torch.preserve_format)
        return state


def _local(tensor: torch.Tensor) -> torch.Tensor:
    """Returns the part of a DTensor that this rank has, which is a view; others as they are."""
    found: torch.Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return found


def _fused(weights: Sequence[torch.Tensor]) -> bool:
    return bool(weights) and all(each.device.type == "cuda" for each in weights)


def _adder(optimizer: MasterAdamW) -> Callable[[torch.Tensor], None]:
    """Returns a hook that adds the gradient of a weight to that of its master, in float32."""
    reference = weakref.ref(optimizer)  # else the weight would keep a discarded optimizer alive

    def add(weight: torch.Tensor) -> None:
        owner = reference()
        if owner is None or weight.grad is None:
            return
        master = owner._moved(weight)  # type: ignore[arg-type]
        if master.grad is None:
            master.grad = weight.grad.float()
        else:
            master.grad.add_(weight.grad)
        weight.grad = None

    return add
