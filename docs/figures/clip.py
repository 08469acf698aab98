"""The picture of the clip: how hard a token is pushed, by its probability ratio.

Writes `docs/images/clip.svg`. What is drawn is the gradient of each algorithm's own loss, by the
log-probability of a token, as the package computes it.

    python docs/figures/clip.py
"""

from __future__ import annotations

import torch
from drawing import COLORS, WIDTH, Axis, Chart, Sheet, write

from ttrl_agents.config.algorithms import ALGORITHMS
from ttrl_agents.learning.losses import SURROGATES, SurrogateInputs

DRAWN = {"grpo": COLORS[0], "dapo": COLORS[2], "cispo": COLORS[1], "sapo": COLORS[3]}
RATIOS = [i / 100 for i in range(2, 251)]


def push(name: str, ratio: float, advantage: float) -> float:
    """Returns how much an algorithm raises the log-probability of a token.

    Args:
        name: The algorithm.
        ratio: The probability of the token now over that when it was sampled.
        advantage: Its advantage.
    """
    algorithm = ALGORITHMS[name]
    log_probs = torch.tensor([[ratio]], dtype=torch.float64).log().requires_grad_()
    inputs = SurrogateInputs(
        algorithm, log_probs.exp(), torch.full_like(log_probs, advantage), log_probs
    )
    loss, _ = SURROGATES[algorithm.objective](inputs)
    loss.sum().backward()
    return -float(log_probs.grad.item()) + 0.0


def picture() -> str:
    """Returns the picture as SVG."""
    sheet = Sheet(
        "The gradient of a token over its probability ratio, for advantages 1 and -1, in GRPO, "
        "DAPO, CISPO and SAPO",
        676,
    )
    sheet.text(WIDTH / 2, 24, "How hard a token is pushed", size=19, bold=True)
    across = Axis(0, 2.5, (0, 0.5, 1, 1.5, 2, 2.5), "ratio ρ")
    above = Chart(
        sheet, 46, 92, WIDTH - 62, 200, across, Axis(0, 2.5, (0, 1, 2), "advantage 1: pushed up")
    )
    below = Chart(
        sheet,
        46,
        392,
        WIDTH - 62,
        200,
        across,
        Axis(-2.5, 0, (-2, -1, 0), "advantage −1: pushed down"),
    )
    for i, (name, color) in enumerate(DRAWN.items()):
        above.curve(((ratio, push(name, ratio, 1.0)) for ratio in RATIOS), color=color)
        below.curve(((ratio, push(name, ratio, -1.0)) for ratio in RATIOS), color=color)
        x = 60 + 126 * i
        sheet.path(f"M {x} 50 h 26", color=color, width=4)
        sheet.text(x + 34, 55, name, size=15, color=color, anchor="start")
    sheet.text(WIDTH / 2, 666, "at ratio 1 all of them push alike", size=15)
    return sheet.svg()


if __name__ == "__main__":
    write("clip.svg", picture())
