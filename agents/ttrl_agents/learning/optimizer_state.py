"""The state of an optimizer as named tensors, which safetensors can hold.

- `optimizer_tensors`: from an optimizer to tensors.
- `restore_optimizer`: from tensors to an optimizer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.learning.master_adamw import MasterAdamW

__all__ = ["optimizer_tensors", "restore_optimizer"]

_SCALE = "_scale"  # of blocks of a moment: see `compact_adamw`

Named = Iterable[tuple[str, torch.nn.Parameter]]


def optimizer_tensors(optimizer: torch.optim.Optimizer, named: Named) -> dict[str, torch.Tensor]:
    """Returns the state of an optimizer, on CPU, each tensor under `parameter/key`.

    Args:
        optimizer: An optimizer whose state consists of tensors, as that of AdamW does.
        named: The parameters that it moves, with their names.
    """
    return {
        f"{name}/{key}": tensor.detach().cpu().contiguous()
        for name, parameter in named
        for key, tensor in optimizer.state.get(parameter, {}).items()
    }


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
            found[key] = tensor if tensor.ndim == 0 else tensor.to(parameter.device)
        if found:
            optimizer.state[parameter] = found
    if isinstance(optimizer, MasterAdamW):
        optimizer.take_up_state()
    if left:
        raise AgentError(f"The checkpoint is of another model: this one has no {min(left)!r}.")
