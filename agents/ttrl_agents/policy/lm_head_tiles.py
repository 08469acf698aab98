"""The LM head on a GPU: tiles of logits, each a matrix product and one Triton kernel.

- `tiled_log_probs`: log-probabilities and entropies from hidden states.
- `why_not_tiled`: why the kernels are not used on a device, found by running them once.

A tile has 4,096 rows of 32,768 columns, half a gibibyte in float32, however many tokens there are
and however wide the vocabulary is. In the forward pass each row keeps running sums over its tiles
(an online log-softmax); in the backward pass a tile is computed again, becomes the gradient of its
logits in the type of the weights, and is multiplied with hidden states and weights. Sums over tiles
are in float32.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F

__all__ = ["tiled_log_probs", "why_not_tiled"]

ROWS, COLUMNS = 4096, 32_768
_TOLERANCE = 1e-3


def tiled_log_probs(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    temperature: float,
    entropy: str,
    tile: tuple[int, int] = (ROWS, COLUMNS),
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Returns the same as `lm_head.head_log_probs`.

    Args:
        hidden: Hidden states, shape (tokens, width).
        weight: The head's weight, shape (vocabulary, width).
        bias: Its bias, if it has one.
        targets: Shape (tokens,), int64.
        temperature: Divides the logits.
        entropy: Whether entropies are computed and carry a gradient.
        tile: Rows and columns of a tile.
    """
    log_probs, entropies = _TiledLogProbs.apply(  # type: ignore[no-untyped-call]
        hidden, weight, bias, targets, temperature, entropy, tile
    )
    return log_probs, entropies


class _TiledLogProbs(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        temperature: float,
        entropy: str,
        tile: tuple[int, int],
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Adds up sums over the tiles of each row."""
        add_tile, _ = _kernels()
        largest = hidden.new_full((len(hidden),), float("-inf"), dtype=torch.float32)
        total, weighted, at_target = (torch.zeros_like(largest) for _ in range(3))
        for rows, columns in _tiles(len(hidden), len(weight), tile):
            sums = (largest[rows], total[rows], weighted[rows], at_target[rows])
            logits = product(hidden[rows], weight[columns].t())
            offset = None if bias is None else bias[columns]
            add_tile(logits, offset, targets[rows], columns.start, 1 / temperature, sums)
        log_total = total.log()
        log_mass = largest + log_total
        entropies = None if entropy == "none" else log_total - weighted / total
        ctx.save_for_backward(hidden, weight, bias, targets, log_mass, entropies)
        ctx.temperature, ctx.entropy, ctx.tile = temperature, entropy, tile
        if entropies is not None and entropy != "gradient":
            ctx.mark_non_differentiable(entropies)
        return at_target - log_mass, entropies

    @staticmethod
    def backward(ctx: Any, pull: torch.Tensor, entropy_pull: Any) -> Any:
        """Computes each tile again, and adds up the gradients that follow from it."""
        hidden, weight, bias, targets, log_mass, entropies = ctx.saved_tensors
        _, tile_gradient = _kernels()
        asked = ctx.needs_input_grad
        wide: dict[str, Any] = {"device": hidden.device, "dtype": torch.float32}
        by_weight = torch.zeros(weight.shape, **wide) if asked[1] else None
        by_bias = torch.zeros(bias.shape, **wide) if asked[2] and bias is not None else None
        by_hidden = torch.empty_like(hidden) if asked[0] else None
        of_entropy = ctx.entropy == "gradient"
        pull = pull.contiguous()
        entropy_pull = entropy_pull.contiguous() if of_entropy else None
        below: torch.Tensor | None = None  # the gradient of the rows of one line of tiles
        for rows, columns in _tiles(len(hidden), len(weight), ctx.tile):
            logits = product(hidden[rows], weight[columns].t())
            gradient = tile_gradient(
                logits, None if bias is None else bias[columns], targets[rows], columns.start,
                1 / ctx.temperature, log_mass[rows], pull[rows],
                entropies[rows] if of_entropy else None,
                entropy_pull[rows] if entropy_pull is not None else None, weight.dtype,
            )  # fmt: skip
            del logits  # before the products make room for their results
            if by_weight is not None:
                by_weight[columns] += product(gradient.t(), hidden[rows])
            if by_bias is not None:
                by_bias[columns] += gradient.sum(0, dtype=torch.float32)
            if by_hidden is not None:
                part = product(gradient, weight[columns])
                below = part if columns.start == 0 or below is None else below.add_(part)
                if columns.stop == len(weight):
                    by_hidden[rows] = below
        return by_hidden, by_weight, by_bias, None, None, None, None


def _tiles(tokens: int, vocabulary: int, tile: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Yields the tiles, row after row."""
    for row in range(0, tokens, tile[0]):
        for column in range(0, vocabulary, tile[1]):
            yield (
                slice(row, min(row + tile[0], tokens)),
                slice(column, min(column + tile[1], vocabulary)),
            )


def product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Returns the matrix product in float32, not rounded to the type of the factors."""
    if left.dtype == torch.float32:
        return left @ right
    if left.device.type == "cuda":
        return torch.mm(left, right, out_dtype=torch.float32)
    return left.float() @ right.float()


def _kernels() -> tuple[Any, Any]:
    """Returns the two kernels; they need Triton, so they are imported where they are used."""
    from ttrl_agents.policy import lm_head_triton

    return lm_head_triton.add_tile, lm_head_triton.tile_gradient


@functools.cache
def why_not_tiled(device: torch.device) -> str | None:
    """Returns why the kernels are not used on a device, or `None`: they are run on a few tokens."""
    if device.type != "cuda":
        return f"Triton has no kernels for {device.type}"
    return _try_kernels(device)


@torch.enable_grad()  # the first call may come from a pass without gradients
def _try_kernels(device: torch.device) -> str | None:
    made = torch.Generator().manual_seed(0)
    dtype = torch.bfloat16
    hidden = torch.randn(5, 64, generator=made).to(device, dtype).requires_grad_()
    weight = torch.randn(300, 64, generator=made).to(device, dtype)
    targets = torch.arange(5, device=device) * 70
    try:
        found, _ = tiled_log_probs(hidden, weight, None, targets, 0.7, "none", (2, 128))
        found.sum().backward()
    except Exception as error:  # noqa: BLE001 - compilers and drivers raise errors of any type
        said = next(iter(str(error).splitlines()), type(error).__name__)
        return f"Triton does not run here ({said[:200]})"
    logits = hidden.detach().double() @ weight.double().t() / 0.7
    expected = -F.cross_entropy(logits, targets, reduction="none")
    gap = float((found.detach() - expected).abs().max())
    return None if gap <= _TOLERANCE else f"its kernels are off by {gap:.3g} nats"
