"""A tracer of tensor operations: live bytes, FLOPs, bytes moved and kernels, without any data.

- `Tracer`: counts every operation that runs within it.
- `FakeAttention`, `fake_flash_attention`: stand for the flash-attention kernel.
- `count_pairs`: what such a kernel has to look at.
- `replaced`: puts stand-ins into the code that is traced.
- `SHAPES`, `fake_model`: models of real shapes, without weights.

Under `FakeTensorMode` a tensor has a shape and a type but no data, so that an update of a model of
7 billion weights is traced on a laptop. What is counted is exact for the operations that PyTorch
would launch; what a kernel does inside (attention) is counted by formula. Nothing is timed.
"""

from __future__ import annotations

import collections
import contextlib
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import Qwen2Config, Qwen2ForCausalLM

from ttrl_agents.policy.packed import PackedBatch

__all__ = [
    "SHAPES",
    "FakeAttention",
    "Tracer",
    "count_pairs",
    "fake_flash_attention",
    "fake_model",
    "replaced",
]

# Operations that launch nothing: they make or look at the description of a tensor.
_FREE = frozenset(
    [
        "device",
        "sym_numel",
        "sym_stride",
        "sym_storage_offset",
        "sym_size",
        "view",
        "_unsafe_view",
        "transpose",
        "t",
        "permute",
        "expand",
        "slice",
        "select",
        "unsqueeze",
        "squeeze",
        "detach",
        "alias",
        "as_strided",
        "split",
        "split_with_sizes",
        "unbind",
        "_reshape_alias",
        "reshape",
        "lift_fresh",
        "empty",
        "empty_like",
        "new_empty",
        "empty_strided",
        "is_same_size",
        "unfold",
        "view_as",
        "chunk",
    ]
)
# Operations that read no more of a large table than they take out of it.
_GATHERS = frozenset(["embedding", "index", "index_select", "gather"])
_WAITS = frozenset(["_local_scalar_dense", "nonzero", "is_nonzero", "item"])

SHAPES: dict[str, dict[str, Any]] = {
    "0.5B": {
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
        "vocab_size": 151_936,
    },
    "1.5B": {
        "hidden_size": 1536,
        "intermediate_size": 8960,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
        "vocab_size": 151_936,
    },
    "7B": {
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "tie_word_embeddings": False,
        "vocab_size": 152_064,
    },
}
"""Qwen2.5 (and Qwen2.5-Math), as their config.json tells them."""


class Tracer(TorchDispatchMode):
    """Counts what runs within it.

    Attributes:
        live: Bytes of the storages that are alive.
        peak: The most that were.
        flops: Multiplications and additions of matrix products and of attention.
        moved: Bytes that operations read and write.
        kernels: Operations that launch something on a GPU.
        waits: Operations at which the host waits for the GPU.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live = self.peak = self.moved = self.kernels = self.waits = 0
        self.flops = 0.0
        self.by_name: collections.Counter[str] = collections.Counter()
        self._storages: dict[int, weakref.ref[Any]] = {}

    def count(self, flops: float, moved: int) -> None:
        """Counts a kernel that PyTorch knows nothing of."""
        self.flops += flops
        self.moved += moved
        self.kernels += 1

    def hold(self, tensor: torch.Tensor) -> None:
        """Counts a tensor's storage as alive until it is let go of."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._storages:
            return
        size = storage.nbytes()
        self.live += size
        self.peak = max(self.peak, self.live)

        def gone(_: Any) -> None:
            if self._storages.pop(key, None) is not None:
                self.live -= size

        self._storages[key] = weakref.ref(storage, gone)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Runs an operation and counts it."""
        result = func(*args, **(kwargs or {}))
        name = func._schema.name.split("::")[1]
        outs = [each for each in tree_leaves(result) if isinstance(each, torch.Tensor)]
        ins = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
        for each in outs:
            self.hold(each)
        if name in _FREE:
            return result
        self.kernels += 1
        self.waits += name in _WAITS
        moved = 2 * sum(map(_touched, outs)) if name in _GATHERS else sum(map(_touched, ins + outs))
        self.moved += moved
        self.by_name[name] += moved
        self.flops += _flops(name, args)
        return result


def _touched(tensor: torch.Tensor) -> int:
    """Returns the bytes of a tensor that exist: those of expanded dimensions count once."""
    count = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        count *= size if stride != 0 else 1
    return count * tensor.element_size()


def _flops(name: str, args: Any) -> float:
    if name in ("mm", "bmm"):
        return 2.0 * args[0].numel() * args[1].shape[-1]
    if name in ("addmm", "baddbmm"):
        return 2.0 * args[1].numel() * args[2].shape[-1]
    return 0.0


class FakeAttention(torch.autograd.Function):
    """Stands for the flash-attention kernel: keeps what it keeps, counts what it multiplies."""

    tracer: Tracer | None = None
    pairs: ClassVar[
        dict[int, float]
    ] = {}  # of query and key in sight of each other, by `id` of the pack

    @staticmethod
    def forward(ctx: Any, query: Any, key: Any, value: Any, pairs: float) -> Any:
        """Makes the output, and counts two products; shapes are (tokens, heads, width)."""
        out = torch.empty_like(query)
        sums = torch.empty(query.shape[:-1], dtype=torch.float32)
        ctx.save_for_backward(query, key, value, out, sums)
        ctx.flops = 2.0 * pairs * query.shape[1] * query.shape[2]
        ctx.bytes = 2 * query.nbytes + key.nbytes + value.nbytes
        if FakeAttention.tracer is not None:
            FakeAttention.tracer.count(2 * ctx.flops, ctx.bytes)
        return out

    @staticmethod
    def backward(ctx: Any, _: Any) -> Any:
        """Makes the gradients, and counts five products."""
        query, key, value, *_rest = ctx.saved_tensors
        if FakeAttention.tracer is not None:
            FakeAttention.tracer.count(5 * ctx.flops, 2 * ctx.bytes)
        return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value), None


def fake_flash_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    packed: PackedBatch,
    _scaling: float | None,
) -> torch.Tensor:
    """Takes the place of the kernel in `policy.packed_attention`."""
    out: torch.Tensor = FakeAttention.apply(query, key, value, FakeAttention.pairs[id(packed)])
    return out


def count_pairs(packed: PackedBatch) -> float:
    """Returns how many pairs of query and key a pack has that are in sight of each other."""
    queries, keys = packed.query_ends.diff().double(), packed.key_ends.diff().double()
    return float((queries * keys - queries * (queries - 1) / 2).sum())


@contextlib.contextmanager
def replaced(changes: Sequence[tuple[Any, str, Any]]) -> Iterator[None]:
    """Replaces attributes within the context; each is given by owner, name and stand-in."""
    before = [getattr(owner, name) for owner, name, _ in changes]
    for owner, name, stand_in in changes:
        setattr(owner, name, stand_in)
    try:
        yield
    finally:
        for (owner, name, _), was in zip(changes, before, strict=True):
            setattr(owner, name, was)


def fake_model(name: str, dtype: torch.dtype) -> Any:
    """Returns a model of this shape; to be called under `FakeTensorMode`."""
    config = Qwen2Config(**SHAPES[name], max_position_embeddings=32_768, eos_token_id=0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return Qwen2ForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(before)
