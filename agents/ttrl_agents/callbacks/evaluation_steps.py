"""Evaluations as points of a curve.

- `step_of_evaluation`: where on the axis of steps an evaluation stands.
- `evaluation_scores`: its scores by tag.
"""

from __future__ import annotations

from typing import Any

__all__ = ["evaluation_scores", "step_of_evaluation"]


def step_of_evaluation(name: str, done: int) -> int:
    """Returns the training steps that were done at an evaluation.

    Args:
        name: `before`, `after` or `step N`.
        done: The steps that are done by now; an alarm may have ended the run before its time.

    >>> [step_of_evaluation(name, 300) for name in ("before", "step 20", "after")]
    [0, 20, 300]
    """
    ends = {"before": 0, "after": done}
    return ends[name] if name in ends else int(name.split()[1])


def evaluation_scores(results: dict[str, Any]) -> dict[str, float]:
    """Returns the scores of an evaluation, each under its tag.

    >>> evaluation_scores({"train": {"mean@2": 0.5, "mean@2_ci95": [0.4, 0.6]}, "held_out": None})
    {'evaluation/train/mean@2': 0.5}
    """
    return {
        f"evaluation/{split}/{name}": value
        for split, result in results.items()
        if result is not None
        for name, value in result.items()
        if "@" in name and not name.endswith("_ci95")
    }
