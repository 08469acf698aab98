"""The best checkpoint, by a criterion that needs no label and is chosen beforehand.

- `BestCheckpoint`: follows the criterion and says when a checkpoint is the best so far.
- `CRITERIA`: the criteria by name.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["CRITERIA", "BestCheckpoint"]

Metrics = Mapping[str, float]

CRITERIA: dict[str, Callable[[Metrics], float]] = {
    "majority-ratio": lambda metrics: metrics["majority_ratio"],
    "margin": lambda metrics: metrics["margin"],
    "stability": lambda metrics: 1 - metrics["flip_rate"],
    "reward": lambda metrics: metrics["mean_reward"],
}


class BestCheckpoint:
    """Follows a criterion, smoothed, through a run.

    No criterion without labels can tell agreement on right answers from agreement on wrong ones:
    a collapse raises the majority ratio, the margin and the reward, and ends in pseudo-labels that
    no longer flip. So the run stops updating the best checkpoint after an alarm.

    Args:
        criterion: One of `CRITERIA`.
        window: Steps over which it is averaged. A checkpoint of fewer steps is never the best,
            except for the initial policy, which is the best until there is another.

    Attributes:
        step: The training step of the best checkpoint so far, or `None`.
        score: Its criterion; NaN for the initial policy, which has none.

    >>> best = BestCheckpoint("reward", window=2)
    >>> for reward in (0.1, 0.3, 0.9):
    ...     best.observe({"mean_reward": reward})
    >>> best.take(step=3), best.step, best.score
    (True, 3, 0.6)
    """

    def __init__(self, criterion: str, window: int = 10) -> None:
        self.criterion = criterion
        self._of = CRITERIA[criterion]
        self._recent: deque[float] = deque(maxlen=window)
        self.step: int | None = None
        self.score = math.nan

    def observe(self, metrics: Metrics) -> None:
        """Adds the metrics of a step; a step without a value is ignored."""
        value = self._of(metrics)
        if math.isfinite(value):
            self._recent.append(value)

    def take(self, step: int) -> bool:
        """Returns whether the policy after this step is the best so far, and if so remembers it.

        If two are equal, the later is better: it has learned from more votes.
        """
        full = len(self._recent) == self._recent.maxlen
        score = sum(self._recent) / len(self._recent) if full else math.nan
        better = self.step is None or (full and not score < self.score)
        if better:
            self.step, self.score = step, score
        return better

    def to_dict(self) -> dict[str, Any]:
        """Returns its entry in the summary."""
        return {
            "criterion": self.criterion,
            "step": self.step,
            "score": None if math.isnan(self.score) else self.score,
        }

    def state_dict(self) -> dict[str, Any]:
        """Returns what is remembered, as JSON."""
        return {**self.to_dict(), "recent": list(self._recent)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        self.step = state["step"]
        self.score = math.nan if state["score"] is None else state["score"]
        self._recent = deque(state["recent"], maxlen=self._recent.maxlen)
