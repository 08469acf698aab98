"""The picture of aggregation: what one token of a short and of a long completion weighs.

Writes `docs/images/aggregation.svg`. The weights are the gradient of the package's own `aggregate`.

    python docs/figures/aggregation.py
"""

from __future__ import annotations

import torch
from drawing import FAINT, WIDTH, Sheet, write

from ttrl_agents.learning.losses import Counts, aggregate

LENGTHS = (3, 6, 12)
LIMIT = 16
WAYS = (
    ("token", "token: every token weighs the same"),
    ("sequence", "sequence: every completion weighs the same"),
    ("fixed", "fixed: as token, and what the limit leaves"),
)
CELL, ROW, LEFT = 26, 32, 8


def weights(how: str) -> torch.Tensor:
    """Returns the weight of each token in the loss; 0 where there is none.

    Args:
        how: The aggregation.
    """
    mask = torch.arange(LIMIT) < torch.tensor(LENGTHS)[:, None]
    values = torch.zeros(mask.shape, dtype=torch.float64, requires_grad=True)
    aggregate(values, mask, how, Counts.of(mask)).backward()
    return values.grad


def shade(weight: float, largest: float) -> str:
    """Returns the colour of a weight: the heavier, the darker blue."""
    share = (weight / largest) ** 0.5
    red, green, blue = (round(255 + share * (dark - 255)) for dark in (0x1F, 0x5F, 0xA8))
    return f"#{red:02x}{green:02x}{blue:02x}"


def picture() -> str:
    """Returns the picture as SVG."""
    sheet = Sheet(
        "The weight of each token of completions of 3, 6 and 12 tokens, in the aggregations token, "
        "sequence and fixed",
        520,
    )
    sheet.text(WIDTH / 2, 24, "What a token weighs", size=19, bold=True)
    largest = max(float(weights(how).max()) for how, _ in WAYS)
    top = 60
    for how, words in WAYS:
        sheet.text(LEFT, top, words, anchor="start")
        for row, weighed in enumerate(weights(how).tolist()):
            y = top + 14 + ROW * row
            for column, weight in enumerate(weighed):
                fill = shade(weight, largest) if weight else "#fff"
                color = "#52606d" if weight else "#e4e7eb"
                sheet.box(LEFT + CELL * column, y, CELL - 3, 24, color=color, fill=fill, corner=3)
            total = f"1/{1 / weighed[0]:.0f} each"
            sheet.text(WIDTH - 6, y + 18, total, size=15, color=FAINT, anchor="end")
        top += 154
    sheet.text(
        LEFT,
        512,
        "completions of 3, 6 and 12 tokens; at most 16",
        size=15,
        color=FAINT,
        anchor="start",
    )
    return sheet.svg()


if __name__ == "__main__":
    write("aggregation.svg", picture())
