"""The panels that show a run: which of its metrics are drawn together, and what they need.

- `Panel`: one of them.
- `PANELS`: all, those without labels first.
- `smooth`: the moving mean that is drawn over the single steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["PANELS", "Panel", "smooth"]


@dataclass(frozen=True)
class Panel:
    """Curves that are drawn together.

    Attributes:
        title: Its title; `@k` stands for the number of votes.
        what: What its axis measures.
        curves: Its metrics, each with its name in the legend.
        needs_labels: Whether its metrics compare with labels.
        share: Whether its values are shares, from 0 to 1.
        score: The score of the evaluations that belongs in it: `"mean"`, `"maj"` or `""`.
    """

    title: str
    what: str
    curves: tuple[tuple[str, str], ...]
    needs_labels: bool = False
    share: bool = True
    score: str = ""


PANELS = (
    Panel("Majority ratio", "share of votes for the winner", (("majority_ratio", ""),)),
    Panel("Flip rate", "pseudo-labels changed since the last visit", (("flip_rate", ""),)),
    Panel("KL from the initial policy", "nats per token", (("kl_start", ""),), share=False),
    Panel("Completion length", "tokens, on average", (("completion_tokens", ""),), share=False),
    Panel("Entropy", "nats per token", (("entropy", ""),), share=False),
    Panel("Distinct winners", "share of the step's winners", (("distinct_winners", ""),)),
    Panel(
        "Votes against labels",
        "share",
        (
            ("label_accuracy", "label accuracy"),
            ("reward_accuracy", "reward accuracy"),
            ("majority_ratio", "majority ratio"),
        ),
        needs_labels=True,
    ),
    Panel(
        "mean@k",
        "share of right answers",
        (("ground_truth_ratio", ""),),
        needs_labels=True,
        score="mean",
    ),
    Panel(
        "maj@k",
        "questions that the vote gets right",
        (("majority_accuracy", ""),),
        needs_labels=True,
        score="maj",
    ),
)


def smooth(values: Sequence[float]) -> list[float]:
    """Returns the moving mean over about a tenth of the values, without lag and without padding.

    Args:
        values: One value a step; steps without one are left out beforehand.

    >>> smooth([1.0, 3.0, 5.0])
    [2.0, 3.0, 4.0]
    """
    half = max(1, len(values) // 20)
    around = (values[max(0, place - half) : place + half + 1] for place in range(len(values)))
    return [sum(near) / len(near) for near in around]
