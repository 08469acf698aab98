"""A model of which each rank holds a part: weights, gradients and moments (FSDP2).

- `Sharding`: how a model is divided, and what makes others of its kind.
- `sharding_of`: that of a model, or `None`.
- `gradient_sum_of`: what adds up the gradients of a divided model.
- `within`: calls a function that runs parts of a model, whose weights are gathered meanwhile.
- `full`, `like`: a tensor as a whole; a whole tensor divided as another one is.
- `clip_gradients`: scales gradients down to a norm.
- `empty_copy`: a model without its weights.

Layers are gathered one by one as they run. Weights that are trained are float32 in their parts,
whatever the model computes in: the optimizer moves them, and they are rounded when they are
gathered. So there is no second copy of them, as there is where one GPU has all weights in 16 bits.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import (
    FSDPModule,
    MixedPrecisionPolicy,
    fully_shard,
    register_fsdp_forward_method,
)
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers.modeling_layers import GradientCheckpointingLayer

from ttrl_agents.distributed.scatter import OrderedReduceScatter, ShardedSum
from ttrl_agents.distributed.world import World

__all__ = [
    "Sharding",
    "clip_gradients",
    "empty_copy",
    "full",
    "gradient_sum_of",
    "like",
    "sharding_of",
    "within",
]

T = TypeVar("T")
_SHARDING = "ttrl_sharding"
_WITHIN = "ttrl_within"


class Sharding:
    """How a model is divided over ranks.

    Args:
        model: The model, which is not divided yet.
        ranks: The ranks.
        device: What it computes on.
        compute_dtype: What it computes in.

    Attributes:
        device: What it computes on.
        compute_dtype: What it computes in.
        template: The model undivided, without memory for its weights.
    """

    def __init__(
        self, model: Any, ranks: World, device: torch.device, compute_dtype: torch.dtype
    ) -> None:
        self.device = device
        self.compute_dtype = compute_dtype
        self.template = empty_copy(model, device="meta")
        self._ranks = ranks

    def divide(self, model: torch.nn.Module) -> None:
        """Divides a model of this kind in place; every rank keeps its part of each weight."""
        rounded = None if self.compute_dtype == torch.float32 else self.compute_dtype
        precision = MixedPrecisionPolicy(param_dtype=rounded, reduce_dtype=torch.float32)
        layers = [each for each in model.modules() if isinstance(each, GradientCheckpointingLayer)]
        setattr(model, _WITHIN, _call)
        self._shard(model, layers, precision)
        register_fsdp_forward_method(model, _WITHIN)

    def divide_layer(self, layer: torch.nn.Module) -> None:
        """Divides a layer beside the model, which computes in float32."""
        self._shard(layer, [], MixedPrecisionPolicy())

    def _shard(
        self,
        model: torch.nn.Module,
        layers: Sequence[torch.nn.Module],
        precision: MixedPrecisionPolicy,
    ) -> None:
        mesh = init_device_mesh(self.device.type, (self._ranks.size,))
        for each in (*layers, model):
            fully_shard(each, mesh=mesh, mp_policy=precision)
        scatters = []
        for each in model.modules():
            if isinstance(each, FSDPModule):  # one by one: a root does not pass it on
                each.set_gradient_divide_factor(1.0)
                each.set_force_sum_reduction_for_comms(True)
                if self.device.type == "cpu":
                    scatters.append(OrderedReduceScatter())
                    each.set_custom_reduce_scatter(scatters[-1])
        setattr(model, _SHARDING, (self, ShardedSum(model.parameters(), scatters)))

    @torch.no_grad()
    def another(self, model: Any, *, trained: bool = True) -> Any:
        """Returns a second model like one of this kind, divided as well.

        Args:
            model: The divided model whose weights are copied.
            trained: Whether it is trained as the first one is; if not, its weights need no
                gradient.
        """
        made = copy.deepcopy(self.template)
        if not trained:
            made.requires_grad_(False)
        self.divide(made)
        self.fill(made)
        for own, other in zip(made.parameters(), model.parameters(), strict=True):
            own.copy_(other)
        return made.eval()

    def fill(self, model: Any) -> None:
        """Gives memory to a divided model that has none; its weights are not set."""
        buffers = {name: each.clone() for name, each in model.named_buffers()}
        model.to_empty(device=self.device)
        for name, each in model.named_buffers():
            each.copy_(buffers[name])
        model.tie_weights()

    def rounded(self, named: Iterable[tuple[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """Returns weights as the model computes with them: in its type, but divided as they are."""
        return {name: each.detach().to(self.compute_dtype) for name, each in named}

    def save_whole(self, folder: Path, named: Iterable[tuple[str, torch.Tensor]]) -> bool:
        """Writes a divided model as a Hugging Face checkpoint; returns whether this rank wrote it.

        Args:
            folder: Where to.
            named: Its weights; those that are shared, once.
        """
        whole: dict[str, torch.Tensor] = {}
        for name, each in named:
            gathered = full(each.detach()).to(self.compute_dtype)
            if self._ranks.leads:
                whole[name] = gathered.cpu().contiguous()
        if self._ranks.leads:
            # Its type goes into config.json.
            described = empty_copy(self.template, device="meta", dtype=self.compute_dtype)
            described.save_pretrained(folder, state_dict=whole)
        return self._ranks.leads

    @torch.no_grad()
    def gather_into(self, whole: Any, model: Any) -> None:
        """Copies the weights of a divided model into an undivided one."""
        for own, other in zip(whole.parameters(), model.parameters(), strict=True):
            own.copy_(full(other))


def sharding_of(model: Any) -> Sharding | None:
    """Returns how a model is divided over ranks, or `None` if every rank has all of it."""
    found = getattr(model, _SHARDING, None)
    return None if found is None else found[0]


def gradient_sum_of(model: Any) -> ShardedSum:
    """Returns what adds up the gradients of a divided model."""
    total: ShardedSum = getattr(model, _SHARDING)[1]
    return total


def within(model: Any, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Calls a function that runs parts of a model, whose weights are gathered meanwhile."""
    if sharding_of(model) is None:
        return function(*arguments, **options)
    result: T = getattr(model, _WITHIN)(function, *arguments, **options)
    return result


def full(tensor: torch.Tensor) -> torch.Tensor:
    """Returns a tensor as a whole; every rank has to ask for it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def like(tensor: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Returns a whole tensor, which every rank has, divided as another one is."""
    if not isinstance(other, DTensor):
        return tensor
    return distribute_tensor(tensor, other.device_mesh, other.placements, src_data_rank=None)


def clip_gradients(parameters: Sequence[torch.Tensor], max_norm: float) -> float:
    """Scales gradients down to a norm; returns the norm that they had.

    On CPU the norm of divided gradients is that of the whole ones, bit for bit, which takes a
    gathering of each; on GPU it is added up over ranks.
    """
    first = next((each for each in parameters if each.grad is not None), None)
    if first is None or not isinstance(first.grad, DTensor):
        return float(torch.nn.utils.clip_grad_norm_(parameters, max_norm))
    if first.device.type != "cpu":
        norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
        return float(full(norm))
    grads = [each.grad for each in parameters if each.grad is not None]
    norm = torch.linalg.vector_norm(
        torch.stack([torch.linalg.vector_norm(full(each)) for each in grads])
    )
    factor = torch.clamp(max_norm / (norm + 1e-6), max=1.0)  # as PyTorch does
    for each in grads:
        each.to_local().mul_(factor)  # type: ignore[attr-defined]
    return float(norm)


def empty_copy(model: Any, *, device: torch.device | str, dtype: torch.dtype | None = None) -> Any:
    """Returns a copy of a model whose weights are not set; weights that are shared stay shared.

    Args:
        model: The model.
        device: Where the weights go; `"meta"` takes no memory.
        dtype: Their type; by default the same.
    """
    empty = {
        id(each): torch.nn.Parameter(
            torch.empty(each.shape, dtype=dtype or each.dtype, device=device),
            requires_grad=each.requires_grad,
        )
        for each in model.parameters()
    }
    return copy.deepcopy(model, empty)


def _call(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Calls a function; of views it returns copies, which PyTorch can watch for the gradient."""
    found = function(*arguments, **options)
    if isinstance(found, tuple):
        return tuple(map(_own, found))
    return _own(found)


def _own(value: Any) -> Any:
    is_view = isinstance(value, torch.Tensor) and value._is_view()
    return value.clone() if is_view else value
