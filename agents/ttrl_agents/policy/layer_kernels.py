"""Faster kernels for the decoder layers of a model: PyTorch's compiler, or Liger's.

- `compile_layers`: the forward passes of layers, compiled.
- `use_liger`: replaces normalisation, rotary embedding and feed-forward part by Liger's kernels.

Between matrix products and attention a layer does a dozen small operations, each of which reads and
writes all of its activations. Both ways fuse them. The compiler turns one layer into code that
serves all layers and packs of any size; attention stays outside of it, so that packed rows need
nothing of the compiler.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.packed_attention import keep_out_of_graphs
from ttrl_agents.policy.policy import Policy

__all__ = ["compile_layers", "use_liger"]

Forward = Callable[..., Any]


def compile_layers(layers: Iterable[torch.nn.Module]) -> dict[torch.nn.Module, Forward]:
    """Returns the compiled forward pass of each layer; they are compiled on their first call."""
    keep_out_of_graphs()
    # Sizes are symbols from the start: packs of other sizes must not be compiled again.
    return {layer: torch.compile(layer.forward, dynamic=True) for layer in layers}


def use_liger(policy: Policy) -> None:
    """Replaces parts of a model's layers by Liger's Triton kernels, for good.

    Its losses are not used: the LM head has kernels of its own.

    Raises:
        AgentError: The package is not installed, has no kernels for this kind of model, or the
            model is not on a GPU.
    """
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"  # as tests run them on CPU
    if policy.device.type != "cuda" and not interpreted:
        raise AgentError(
            f"--kernels liger needs a GPU, and the model is on {policy.device}. "
            "Use --kernels torch."
        )
    try:
        from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN
    except ImportError as error:
        raise AgentError(
            f"--kernels liger needs the package liger-kernel, which cannot be imported ({error}). "
            "Install it with pip install 'ttrl-env[gpu]', or use --kernels torch or compile."
        ) from error
    kind = policy.model.config.model_type
    if kind not in MODEL_TYPE_TO_APPLY_LIGER_FN:
        raise AgentError(
            f"Liger has no kernels for models of type {kind!r}. Use --kernels torch or compile."
        )
    apply = MODEL_TYPE_TO_APPLY_LIGER_FN[kind]
    apply(model=policy.model, cross_entropy=False, fused_linear_cross_entropy=False)
