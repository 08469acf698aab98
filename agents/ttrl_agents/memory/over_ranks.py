"""The GPU memory of a rank that has a part of the weights, gradients and moments.

- `over_ranks`: turns the memory of a rank that has all of them into that.
- `traffic`: what it sends to the others.
"""

from __future__ import annotations

from collections.abc import Mapping

from ttrl_agents.memory.shapes import ModelShape

__all__ = ["COPY", "over_ranks", "traffic"]

COPY = "float32 copy of trained weights"
_LAYERS_AT_ONCE = 2  # one that computes, and the next, which is on its way


def over_ranks(
    kept: Mapping[str, float],
    learning: Mapping[str, float],
    *,
    shape: ModelShape,
    weight_bytes: int,
    ranks: int,
    adapters: bool,
    engine: bool,
) -> tuple[dict[str, float], dict[str, float]]:
    """Returns what is kept all the time, and what an update takes, on each of several ranks.

    Args:
        kept: What a rank with all weights keeps.
        learning: What an update takes there.
        shape: The model.
        weight_bytes: Bytes of a weight as the model computes.
        ranks: How many ranks divide the weights.
        adapters: Whether only adapters are trained.
        engine: Whether an engine samples; else each rank has a copy of the weights that does.
    """
    found = dict(kept)
    copy = found.pop(COPY, 0.0)
    if adapters:
        found["weights"] += copy
    elif copy:
        found["weights"] = copy  # the float32 parts are rounded as they are gathered
    found = {name: value / ranks for name, value in found.items()}
    embeddings = shape.head_weights * (1 if shape.tied else 2)
    layer = (shape.weights - embeddings) / shape.layers
    found["weights gathered for layers"] = weight_bytes * (embeddings + _LAYERS_AT_ONCE * layer)
    if not engine:
        found["copy that samples"] = float(weight_bytes * shape.weights)
    updating = dict(learning)
    updating["gradients"] = learning["gradients"] / ranks
    if not adapters:  # of what is being computed, before it is divided
        updating["gradients"] += 4 * (embeddings + _LAYERS_AT_ONCE * layer)
    return found, updating


def traffic(
    shape: ModelShape, *, weight_bytes: int, ranks: int, trained: float
) -> dict[str, float]:
    """Returns the bytes that each rank sends to others, by what they are.

    Args:
        shape: The model.
        weight_bytes: Bytes of a weight as the model computes.
        ranks: How many ranks divide the weights.
        trained: How many weights are trained.
    """
    others = (ranks - 1) / ranks
    gathered = weight_bytes * shape.weights * others
    return {
        "weights, for each micro-batch": 2 * gathered,  # in the forward and in the backward pass
        "gradients, for each micro-batch": 4 * trained * others,
        "weights for the engine, each step": gathered,
    }
