"""Attention over packed rows, as an attention implementation that `transformers` models can use.

- `attend_packed`: makes a model attend within the segments of a pack.
- `why_not_packed`: why the kernel does not run on a device.
- `keep_out_of_graphs`: has the compiler call this attention instead of compiling it.
- `gather_rows`: rows of a tensor, with a gradient that is added up in float32.

On a GPU it is the flash-attention kernel for rows of unequal length that PyTorch comes with, which
never looks at a masked block. Elsewhere it is one masked attention for each segment: slow, exact,
and the reference for the kernel.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Iterator
from typing import Any, cast

import torch
import torch.nn.functional as F
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from ttrl_agents.policy.packed import PackedBatch, pack

__all__ = ["attend_packed", "gather_rows", "keep_out_of_graphs", "why_not_packed"]

_NAME = "ttrl_packed"


@contextlib.contextmanager
def attend_packed(model: Any) -> Iterator[None]:
    """Makes a model accept `packed=` and attend within the segments of that `PackedBatch`."""
    config = model.config
    before = config._attn_implementation
    config._attn_implementation = _NAME
    try:
        yield
    finally:
        config._attn_implementation = before


def why_not_packed(device: torch.device) -> str | None:
    """Returns why the kernel does not run on a device, or `None`: it is run on a few numbers."""
    packed = pack([(1, 2)], [[3, 4]], device)
    rows = torch.zeros(len(packed.ids), 2, 64, dtype=torch.bfloat16, device=device)
    try:
        _flash(rows, rows, rows, packed, None)
    except (RuntimeError, TypeError, ValueError, ImportError) as error:
        return f"no: {str(error).splitlines()[0][:200]}"
    return None


def keep_out_of_graphs() -> None:
    """Has `torch.compile` call this attention as it is; the code around it is compiled."""
    # Not from the start: it loads the compiler, which takes seconds.
    AttentionInterface.register(_NAME, torch.compiler.disable(_attention))


class _GatherRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(places)
        ctx.shape = values.shape
        return values.index_select(0, places)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        (places,) = ctx.saved_tensors
        total = grad.new_zeros(ctx.shape, dtype=torch.float32)
        return total.index_add_(0, places, grad.float()).to(grad.dtype), None


def gather_rows(values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Returns rows of `values`; a row may be requested many times.

    The keys of a prompt serve all of its completions, and so receive a gradient from each; in
    bfloat16 the sum would lose small terms.
    """
    result: torch.Tensor = _GatherRows.apply(values, places)  # type: ignore[no-untyped-call]
    return result


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    packed: PackedBatch,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """The attention that models call; shapes are (1, heads, tokens, width)."""
    del module, attention_mask, dropout  # policies run in evaluation mode
    query, key, value = (each[0].transpose(0, 1) for each in (query, key, value))
    if packed.key_places is not None:
        key, value = (gather_rows(each, packed.key_places) for each in (key, value))
    run = _flash if query.device.type == "cuda" else _segment_by_segment
    return run(query, key, value, packed, scaling)[None], None


def _no_mask(*_: Any, **__: Any) -> None:
    """Returns no mask: the segments of a pack define what is masked."""


def _flash(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    packed: PackedBatch,
    scaling: float | None,
) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn  # from PyTorch 2.10 on

    options: dict[str, Any] = {}
    if query.shape[1] != key.shape[1]:
        if _takes_grouped_heads():
            options["enable_gqa"] = True
        else:
            groups = query.shape[1] // key.shape[1]
            key, value = (each.repeat_interleave(groups, 1) for each in (key, value))
    # Where there are more keys than queries the kernel counts from the end: the last query sees
    # every key. `LogProbs` checks that before it packs anything.
    result = varlen_attn(
        query,
        key,
        value,
        packed.query_ends,
        packed.key_ends,
        packed.longest_query,
        packed.longest_key,
        scale=scaling,
        window_size=(-1, 0),
        **options,
    )
    return cast(torch.Tensor, result)


@functools.cache
def _takes_grouped_heads() -> bool:
    from torch.nn.attention.varlen import varlen_attn

    return "enable_gqa" in inspect.signature(varlen_attn).parameters  # from PyTorch 2.12 on


def _segment_by_segment(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    packed: PackedBatch,
    scaling: float | None,
) -> torch.Tensor:
    queries, keys = packed.query_ends.tolist(), packed.key_ends.tolist()
    parts = []
    for i in range(len(queries) - 1):
        q = query[queries[i] : queries[i + 1]].transpose(0, 1)[None]
        k, v = (each[keys[i] : keys[i + 1]].transpose(0, 1)[None] for each in (key, value))
        count, seen = q.shape[2], k.shape[2]
        sight = torch.ones(count, seen, dtype=torch.bool, device=q.device).tril(seen - count)
        out = F.scaled_dot_product_attention(q, k, v, sight, scale=scaling, enable_gqa=True)
        parts.append(out[0].transpose(0, 1))
    return torch.cat(parts)


AttentionInterface.register(_NAME, _attention)
AttentionMaskInterface.register(_NAME, _no_mask)
