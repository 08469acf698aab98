"""How right the votes are, where there are labels.

- `Rightness`: the numbers.
- `measure_rightness`: computes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ttrl_agents.evaluate.evaluation import as_json
from ttrl_agents.evaluate.results import QuestionResult
from ttrl_agents.evaluate.statistics import Interval, bootstrap_intervals
from ttrl_agents.evaluate.turned import CONFIDENT

__all__ = ["Rightness", "measure_rightness"]


@dataclass(frozen=True)
class Rightness:
    """How right the votes on the questions with a label are.

    Attributes:
        graded: The questions with a label.
        mean: mean@n: the share of right completions.
        majority: maj@n: the share of questions whose winner is right.
        some: pass@n: the share of questions with a right completion.
        winners: The share of right winners among the questions that have one; `None` without any.
        gain: `majority` less `mean`: what is gained if every question settles on its winner.
        reward_accuracy: The share of completions that the majority rewards as the label would.
        confidently_wrong: Questions on which 90 % of the votes or more agree on a wrong answer.
    """

    graded: int
    mean: Interval
    majority: Interval
    some: Interval
    winners: float | None
    gain: Interval
    reward_accuracy: Interval
    confidently_wrong: int

    def to_dict(self) -> dict[str, object]:
        """Returns the numbers as JSON, intervals under `…_ci95`."""
        intervals = {
            "mean": self.mean,
            "majority": self.majority,
            "pass": self.some,
            "gain": self.gain,
            "reward_accuracy": self.reward_accuracy,
        }
        return {
            "graded": self.graded,
            **as_json(intervals),
            "winners_right": None if self.winners is None else round(self.winners, 6),
            "confidently_wrong": self.confidently_wrong,
        }


def measure_rightness(results: Sequence[QuestionResult]) -> Rightness | None:
    """Returns how right the votes are; `None` where no question has a label."""
    graded = [each for each in results if each.correct is not None]
    if not graded:
        return None
    mean = np.array([np.mean(each.correct or ()) for each in graded])
    majority = np.array([bool(each.majority_correct) for each in graded], np.float64)
    # The winner is the label's class, or it is another; then both sides are rewarded wrongly.
    ratio = np.array([each.majority_ratio for each in graded])
    accuracy = np.where(majority == 1, 1.0, 1 - ratio - mean)
    columns = (mean, majority, mean > 0, majority - mean, accuracy)
    one, most, some, gain, rewards = bootstrap_intervals(np.stack(columns, axis=1))
    elected = majority[ratio > 0]
    return Rightness(
        graded=len(graded),
        mean=one,
        majority=most,
        some=some,
        winners=float(elected.mean()) if elected.size else None,
        gain=gain,
        reward_accuracy=rewards,
        confidently_wrong=int(((majority == 0) & (ratio >= CONFIDENT)).sum()),
    )
