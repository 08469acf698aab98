"""The state of an optimizer as named tensors, which safetensors can hold.

- `optimizer_tensors`: from an optimizer to tensors.
- `masters`: the float32 weights of a model that computes in 16 bits.
- `on_cpu`: one such tensor.
- `restore_optimizer`: from tensors to an optimizer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch.distributed.tensor import DTensor

from ttrl_agents.distributed.sharding import like
from ttrl_agents.errors import AgentError
from ttrl_agents.learning.master_adamw import MasterAdamW

__all__ = ["masters", "on_cpu", "optimizer_tensors", "restore_optimizer"]

_SCALE = "_scale"  # of blocks of a moment: see `compact_adamw`

Named = Iterable[tuple[str, torch.nn.Parameter]]


def optimizer_tensors(optimizer: torch.optim.Optimizer, named: Named) -> dict[str, torch.Tensor]:
    """Returns the state of an optimizer, each tensor under `parameter/key`.

    It is on CPU, but for what is divided over ranks, which stays where it is.

    Args:
        optimizer: An optimizer whose state consists of tensors, as that of AdamW does.
        named: The parameters that it moves, with their names.
    """
    return {
        f"{name}/{key}": on_cpu(tensor)
        for name, parameter in named
        for key, tensor in optimizer.state.get(parameter, {}).items()
    }


def masters(named: Named) -> dict[str, torch.Tensor]:
    """Returns float32 weights that are trained, under the names of masters of 16-bit ones."""
    return {
        f"{name}/master": on_cpu(parameter)
        for name, parameter in named
        if parameter.requires_grad and parameter.dtype == torch.float32
    }


def on_cpu(tensor: torch.Tensor) -> torch.Tensor:
    """Returns a tensor on CPU; one that is divided over ranks as it is."""
    found = tensor.detach()
    return found if isinstance(found, DTensor) else found.cpu().contiguous()


def restore_optimizer(
    optimizer: torch.optim.Optimizer, named: Named, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Puts back what `optimizer_tensors` returned.

    Args:
        optimizer: An optimizer over the same parameters.
        named: The parameters, with their names.
        tensors: The state.

    Raises:
        AgentError: The state belongs to other parameters.
    """
    left = dict(tensors)
    for name, parameter in named:
        found = {
            key.rpartition("/")[2]: left.pop(key)
            for key in tensors
            if key.rpartition("/")[0] == name
        }
        for key, tensor in found.items():
            if tensor.ndim and not key.endswith(_SCALE) and tensor.shape != parameter.shape:
                raise AgentError(
                    f"The checkpoint is of another model: {name} has shape "
                    f"{tuple(parameter.shape)} here and {tuple(tensor.shape)} there."
                )
            # Steps are counted on CPU, but where the step itself is one kernel on the GPU.
            if tensor.ndim:
                found[key] = like(tensor.to(parameter.device), parameter)
        if found:
            optimizer.state[parameter] = found
    if isinstance(optimizer, MasterAdamW):
        optimizer.take_up_state()
    if left:
        raise AgentError(f"The checkpoint is of another model: this one has no {min(left)!r}.")
