"""The Triton kernels of the LM head: log-softmax, entropy and their gradient, tile by tile.

- `add_tile`: takes a tile of logits up into the running sums of its rows.
- `tile_gradient`: turns a tile of logits into the gradient of its logits.

A tile is some rows of logits over some columns of the vocabulary, as a matrix product has just
written them. Each kernel reads it once and keeps everything else in registers, in float32: the
logits are never normalised in memory. The formulas are those of `lm_head`. Importing this module
needs Triton; with `TRITON_INTERPRET=1` the kernels run on CPU, which is how they are tested.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

__all__ = ["add_tile", "tile_gradient"]

_BLOCK = 4096
_WARPS = 8


@triton.jit  # type: ignore[untyped-decorator]
def add_tile_kernel(  # type: ignore[no-untyped-def]
    logits, bias, targets, largest, total, weighted, at_target, columns, first, scale,
    has_bias: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    most, mass, moment = tl.load(largest + row), tl.load(total + row), tl.load(weighted + row)
    for start in range(0, columns, block):
        column = start + tl.arange(0, block)
        inside = column < columns
        z = tl.load(logits + row * columns + column, mask=inside, other=float("-inf"))
        if has_bias:
            z += tl.load(bias + column, mask=inside, other=0.0).to(tl.float32)
        z *= scale
        larger = tl.maximum(most, tl.max(z, 0))
        # A row that is -inf so far has no mass; -inf minus -inf would make it NaN.
        center = tl.where(larger == float("-inf"), 0.0, larger)
        share = tl.exp(z - center)
        shrink = tl.exp(most - center)
        moved = tl.where(shrink > 0, most - center, 0.0)
        moment = (moment + mass * moved) * shrink
        moment += tl.sum(share * tl.where(share > 0, z - center, 0.0), 0)
        mass = mass * shrink + tl.sum(share, 0)
        most = larger
    tl.store(largest + row, most)
    tl.store(total + row, mass)
    tl.store(weighted + row, moment)
    target = tl.load(targets + row) - first
    here = (target >= 0) & (target < columns)
    z = tl.load(logits + row * columns + target, mask=here, other=0.0)
    if has_bias:
        z += tl.load(bias + target, mask=here, other=0.0).to(tl.float32)
    tl.store(at_target + row, z * scale, mask=here)


@triton.jit  # type: ignore[untyped-decorator]
def tile_gradient_kernel(  # type: ignore[no-untyped-def]
    logits, bias, targets, log_mass, pull, entropies, entropy_pull, out, columns, first, scale,
    has_bias: tl.constexpr, has_entropy: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * block + tl.arange(0, block)
    inside = column < columns
    z = tl.load(logits + row * columns + column, mask=inside, other=float("-inf"))
    if has_bias:
        z += tl.load(bias + column, mask=inside, other=0.0).to(tl.float32)
    log_p = z * scale - tl.load(log_mass + row)
    p = tl.exp(log_p)
    wanted = tl.load(pull + row)
    slope = wanted
    if has_entropy:
        away = tl.load(entropy_pull + row)
        slope += away * tl.where(p > 0, log_p + tl.load(entropies + row), 0.0)
    target = tl.load(targets + row) - first
    gradient = (tl.where(column == target, wanted, 0.0) - p * slope) * scale
    place = out + row * columns + column
    tl.store(place, gradient.to(out.dtype.element_ty), mask=inside)


def add_tile(
    logits: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    first: int,
    scale: float,
    sums: tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    """Takes a tile of logits up into the running sums of its rows.

    Args:
        logits: Shape (rows, columns), float32, contiguous.
        bias: Added to every row, shape (columns,).
        targets: The target of each row, counted over the whole vocabulary, int64.
        first: The place of the tile's first column in the vocabulary.
        scale: Multiplies the logits: 1 over the temperature.
        sums: For each row the largest logit m, the sum of exp(z - m), that of exp(z - m) (z - m),
            and the logit of the target; float32, changed in place.
    """
    rows, columns = logits.shape
    add_tile_kernel[(rows,)](
        logits, logits if bias is None else bias, targets, *sums, columns, first, scale,
        has_bias=bias is not None, block=_block(columns), num_warps=_WARPS,
    )  # fmt: skip


def tile_gradient(
    logits: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    first: int,
    scale: float,
    log_mass: torch.Tensor,
    pull: torch.Tensor,
    entropies: torch.Tensor | None,
    entropy_pull: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor:
    """Returns the gradient of a tile's logits, before temperature and bias, in a given type.

    Args:
        logits: As for `add_tile`, as are `bias`, `targets`, `first` and `scale`.
        bias: See `add_tile`.
        targets: See `add_tile`.
        first: See `add_tile`.
        scale: See `add_tile`.
        log_mass: The logarithm of the sum of exp(z) of each row, over the whole vocabulary.
        pull: The gradient by the log-probability of each row's target.
        entropies: The entropy of each row; used where `entropy_pull` is given.
        entropy_pull: The gradient by it.
        dtype: The type of the result.
    """
    rows, columns = logits.shape
    out = torch.empty_like(logits, dtype=dtype)
    block = _block(columns)
    given = entropies is not None and entropy_pull is not None
    tile_gradient_kernel[(rows, triton.cdiv(columns, block))](
        logits, logits if bias is None else bias, targets, log_mass, pull,
        entropies if given else pull, entropy_pull if given else pull, out, columns, first, scale,
        has_bias=bias is not None, has_entropy=given, block=block, num_warps=_WARPS,
    )  # fmt: skip
    return out


def _block(columns: int) -> int:
    return min(_BLOCK, int(triton.next_power_of_2(columns)))
