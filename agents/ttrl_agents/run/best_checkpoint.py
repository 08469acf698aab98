"""The best checkpoint, by a criterion that needs no label and is chosen beforehand.

- `BestCheckpoint`: follows the criterion and says which checkpoint is the best so far.
- `keep_best`: writes it into the folder of checkpoints.
- `forget_candidates`: removes the candidates that no longer wait.
- `CRITERIA`: the criteria by name.
- `BEST`: the name of the best checkpoint among the others.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ttrl_agents.distributed.world import world
from ttrl_agents.run.atomic import move_folder, remove_folder

__all__ = ["BEST", "CRITERIA", "BestCheckpoint", "forget_candidates", "keep_best"]

BEST = "best"
_CANDIDATE = "candidate-"
_ERRORS = 2.0

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
    no longer flip. So a checkpoint becomes the best only after `delay` more steps without an alarm,
    and nothing does after one: an alarm looks back over as many steps, so what it saw began there.
    Until then a checkpoint is a candidate; one waits at a time.

    The initial policy is a candidate too, and the best until another is. Its score is what the
    first step measured, as nothing was learned before that. A single step is noisy, so a checkpoint
    has to come within two standard errors of it.

    Args:
        criterion: One of `CRITERIA`.
        window: Steps over which it is averaged. A checkpoint of fewer steps is never the best,
            except for the initial policy.
        delay: Steps that a candidate waits.

    Attributes:
        step: The training step of the best checkpoint so far, or `None`.
        score: Its criterion; NaN where there is none yet.
        waiting: The step of the candidate that waits, or `None`.

    >>> best = BestCheckpoint("reward", window=2, delay=1)
    >>> best.propose(0), best.step
    (True, 0)
    >>> for reward in (0.1, 0.3, 0.9):
    ...     best.observe({"mean_reward": reward})
    >>> best.propose(3), best.waiting, best.settle(3)
    (True, 3, False)
    >>> best.settle(4), best.step, best.score
    (True, 3, 0.6)
    """

    def __init__(self, criterion: str, window: int = 10, delay: int = 0) -> None:
        self.criterion = criterion
        self.delay = delay
        self._of = CRITERIA[criterion]
        self._recent: deque[float] = deque(maxlen=window)
        self._squares, self._steps, self._last = 0.0, 0, math.nan
        self._closed = False
        self.step: int | None = None
        self.score = math.nan
        self.waiting: int | None = None
        self._waiting_score = math.nan

    def observe(self, metrics: Metrics) -> None:
        """Adds the metrics of a step; a step without a value is ignored."""
        value = self._of(metrics)
        if not math.isfinite(value):
            return
        self._recent.append(value)
        if self.step == 0 and math.isnan(self.score):
            self.score = value
        if not math.isnan(self._last):
            self._squares += (value - self._last) ** 2
            self._steps += 1
        self._last = value

    def close(self) -> None:
        """Takes no checkpoint from now on, nor the candidate that waits: there was an alarm."""
        self.waiting, self._closed = None, True

    def propose(self, step: int, *, drifting: bool = False) -> bool:
        """Returns whether the policy after this step is a candidate, and if so remembers it.

        If two are equal, the later is better: it has learned from more votes.

        Args:
            step: The training steps that are done.
            drifting: Whether the run shows signs of a collapse now.
        """
        if self.step is None:
            self.step = step
            return True
        full = len(self._recent) == self._recent.maxlen
        if self._closed or drifting or self.waiting is not None or not full:
            return False
        score = sum(self._recent) / len(self._recent)
        if score < self._score_to_reach():
            return False
        self.waiting, self._waiting_score = step, score
        return True

    def settle(self, step: int, *, last: bool = False) -> bool:
        """Returns whether the candidate becomes the best one now.

        Args:
            step: The training steps that are done.
            last: Whether there are no more, so that no alarm can follow.
        """
        if self.waiting is None or not (last or step >= self.waiting + self.delay):
            return False
        self.step, self.score, self.waiting = self.waiting, self._waiting_score, None
        return True

    def to_dict(self) -> dict[str, Any]:
        """Returns its entry in the summary."""
        return {"criterion": self.criterion, "step": self.step, "score": _known(self.score)}

    def state_dict(self) -> dict[str, Any]:
        """Returns what is remembered, as JSON."""
        return {
            **self.to_dict(),
            "recent": list(self._recent),
            "closed": self._closed,
            "waiting": [self.waiting, _known(self._waiting_score)],
            "noise": [self._squares, self._steps, _known(self._last)],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        self.step, self.score = state["step"], _float(state["score"])
        self._recent = deque(state["recent"], maxlen=self._recent.maxlen)
        self._closed = state["closed"]
        self.waiting, score = state["waiting"]
        self._waiting_score = _float(score)
        self._squares, self._steps, last = state["noise"]
        self._last = _float(last)

    def _score_to_reach(self) -> float:
        if math.isnan(self.score):
            return -math.inf
        if self.step != 0 or not self._steps:
            return self.score
        # Half of the mean square of successive differences is the variance of a step, whatever
        # slow trend there is.
        error = math.sqrt(self._squares / self._steps / 2 * (1 + 1 / len(self._recent)))
        return self.score - _ERRORS * error


def keep_best(
    folder: Path,
    best: BestCheckpoint,
    step: int,
    write: Callable[[Path], None],
    *,
    drifting: bool = False,
    last: bool = False,
) -> None:
    """Writes the checkpoint of a step if it is a candidate, and moves up one that has waited.

    Every rank calls it, before the state that names them is saved: a run that is killed in between
    does the same again.

    Args:
        folder: The run's folder of checkpoints.
        best: Says which.
        step: The training steps that are done.
        write: Writes the policy into a folder in place of what it held, all or nothing.
        drifting: Whether the run shows signs of a collapse now.
        last: Whether there are no more steps.
    """
    _settle(folder, best, step, last=last)
    first = best.step is None
    if best.propose(step, drifting=drifting):
        write(folder / BEST if first else _candidate(folder, step))
        _settle(folder, best, step, last=last)


def forget_candidates(folder: Path, best: BestCheckpoint) -> None:
    """Removes the candidates that no longer wait; called once a state without them is saved."""
    kept = None if best.waiting is None else _candidate(folder, best.waiting)

    def remove() -> None:
        for each in folder.glob(f"{_CANDIDATE}*"):
            if each != kept:
                remove_folder(each)

    world().lead(remove)


def _settle(folder: Path, best: BestCheckpoint, step: int, *, last: bool) -> None:
    def move() -> None:
        candidate = _candidate(folder, best.step or 0)
        if candidate.exists():  # else a process that was killed had moved it already
            move_folder(candidate, folder / BEST)

    if best.settle(step, last=last):
        world().lead(move)


def _candidate(folder: Path, step: int) -> Path:
    return folder / f"{_CANDIDATE}{step:06d}"


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _float(value: float | None) -> float:
    return math.nan if value is None else value
