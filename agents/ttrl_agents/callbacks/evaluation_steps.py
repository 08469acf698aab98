"""The training steps at which a run was evaluated.

- `step_of_evaluation`: the training steps that were done at an evaluation.
- `evaluation_scores`: its scores by tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["evaluation_scores", "step_of_evaluation"]


def step_of_evaluation(name: str, done: int) -> int:
    """Returns the training steps that were done at an evaluation.

    Args:
        name: `before`, `after` or `step N`.
        done: The steps that are done by now; fewer than planned if an alarm ended the run early.

    >>> [step_of_evaluation(name, 300) for name in ("before", "step 20", "after")]
    [0, 20, 300]
    """
    ends = {"before": 0, "after": done}
    return ends[name] if name in ends else int(name.split()[1])


def evaluation_scores(results: Mapping[str, Any], tag: str = "evaluation") -> dict[str, float]:
    """Returns the scores of an evaluation, each under its tag.

    Scores at another sampling setting than the main one have its name in their tags.

    >>> evaluation_scores({"train": {"mean@2": 0.5, "mean@2_ci95": [0.4, 0.6]}, "held_out": None})
    {'evaluation/train/mean@2': 0.5}
    >>> evaluation_scores({"train": None, "greedy": {"train": {"mean@1": 0.25}}})
    {'evaluation/greedy/train/mean@1': 0.25}
    """
    scores: dict[str, float] = {}
    for name, value in results.items():
        if isinstance(value, Mapping):
            scores |= evaluation_scores(value, f"{tag}/{name}")
        elif "@" in name and not name.endswith("_ci95"):
            scores[f"{tag}/{name}"] = value
    return scores
