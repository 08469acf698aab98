"""Stand-ins for the fused kernels of a Qwen2 layer, to be traced on tensors without data.

- `fused_layers`: makes Qwen2 models run with them, as `--kernels liger` would.

Each reads and writes what Liger's kernel of that name reads and writes, and keeps what it keeps:
normalisation the input and a number a row, the feed-forward part its two inputs, whose memory its
gradients take. The rotary embedding is given an output of its own, which is more than Liger takes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from tracer import Tracer, replaced
from transformers.models.qwen2 import modeling_qwen2

__all__ = ["fused_layers"]


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Any, weight: Any, tracer: Tracer) -> Any:
        ctx.save_for_backward(values, weight, values.new_empty(values.shape[:-1]).float())
        ctx.tracer = tracer
        tracer.count(0.0, 2 * values.nbytes)
        return torch.empty_like(values)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        values, weight, _ = ctx.saved_tensors
        ctx.tracer.count(0.0, 2 * values.nbytes + grad.nbytes)
        return grad, torch.empty_like(weight), None


class _GatedProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: Any, up: Any, tracer: Tracer) -> Any:
        ctx.save_for_backward(gate, up)
        ctx.tracer = tracer
        tracer.count(0.0, 3 * gate.nbytes)
        return torch.empty_like(gate)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        gate, up = ctx.saved_tensors
        ctx.tracer.count(0.0, 4 * gate.nbytes + grad.nbytes)
        return gate.detach(), up.detach(), None


class _Rotation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Any, key: Any, tracer: Tracer) -> Any:
        ctx.tracer, ctx.bytes = tracer, 2 * (query.nbytes + key.nbytes)
        tracer.count(0.0, ctx.bytes)
        return torch.empty_like(query), torch.empty_like(key)

    @staticmethod
    def backward(ctx: Any, query: Any, key: Any) -> Any:
        ctx.tracer.count(0.0, ctx.bytes)
        return query, key, None


@contextlib.contextmanager
def fused_layers(tracer: Tracer) -> Iterator[None]:
    """Makes Qwen2 models run with stand-ins for fused kernels, which the tracer counts."""

    def norm(self: Any, values: Any) -> Any:
        return _Norm.apply(values, self.weight, tracer)

    def feed_forward(self: Any, values: Any) -> Any:
        gate, up = self.gate_proj(values), self.up_proj(values)
        return self.down_proj(_GatedProduct.apply(gate, up, tracer))

    def rotate(query: Any, key: Any, *_: Any, **__: Any) -> Any:
        return _Rotation.apply(query, key, tracer)

    changes: list[tuple[Any, str, Any]] = [
        (modeling_qwen2.Qwen2RMSNorm, "forward", norm),
        (modeling_qwen2.Qwen2MLP, "forward", feed_forward),
        (modeling_qwen2, "apply_rotary_pos_emb", rotate),
    ]
    with replaced(changes):
        yield
