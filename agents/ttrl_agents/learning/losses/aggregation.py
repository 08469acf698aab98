"""The aggregation of the losses of tokens to one number.

- `Counts`: what an update divides by.
- `aggregate`: the sum over a micro-batch, divided by the counts of the whole update.

Since the counts are those of the whole update, the sum over its micro-batches does not depend on
how it is split.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ttrl_agents.config.algorithms import Aggregation

__all__ = ["Counts", "aggregate"]


@dataclass(frozen=True)
class Counts:
    """What an update divides by, over all of its micro-batches.

    Attributes:
        tokens: Tokens of the completions that are trained on.
        completions: How many these are.
        budget: The most tokens that all sampled completions could have had, including those without
            a gradient; it does not depend on what was sampled.
    """

    tokens: int
    completions: int
    budget: int

    @classmethod
    def of(cls, mask: torch.Tensor, max_tokens: int | None = None) -> Counts:
        """Returns the counts of a batch that is an update by itself.

        Args:
            mask: Which positions are tokens, shape (completions, length), bool.
            max_tokens: The length limit of a completion; by default the width of `mask`.
        """
        rows, width = mask.shape
        return cls(int(mask.sum()), rows, rows * (max_tokens or width))


def aggregate(
    values: torch.Tensor, mask: torch.Tensor, how: Aggregation, counts: Counts
) -> torch.Tensor:
    """Returns the contribution of a micro-batch to the loss of its update.

    `"token"`: every token counts the same, sum / tokens (DAPO, arXiv 2503.14476, equation 8).
    `"sequence"`: every completion counts the same, the mean over completions of the mean over
    their tokens (GRPO, arXiv 2402.03300, equation 3). `"fixed"`: sum / budget, a constant (Dr.
    GRPO, arXiv 2503.20783).

    Args:
        values: One for each token, shape (completions, length).
        mask: Which positions are tokens, bool; every row has one or more.
        how: One of the three.
        counts: The counts of the whole update.

    Raises:
        ValueError: There is no such aggregation.

    >>> mask = torch.tensor([[True, True, True], [True, False, False]])
    >>> values, counts = torch.tensor([[1.0, 1.0, 1.0], [3.0, 9.0, 9.0]]), Counts.of(mask)
    >>> [aggregate(values, mask, how, counts).item() for how in ("token", "sequence", "fixed")]
    [1.5, 2.0, 1.0]
    """
    values = values.masked_fill(~mask, 0.0)
    if how == "token":
        return values.sum() / max(counts.tokens, 1)
    if how == "sequence":
        return (values.sum(dim=1) / mask.sum(dim=1)).sum() / max(counts.completions, 1)
    if how == "fixed":
        return values.sum() / max(counts.budget, 1)
    raise ValueError(f"unknown aggregation {how!r}; use token, sequence or fixed")
