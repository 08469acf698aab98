"""The scores of an evaluation: mean@k, maj@k and pass@k over questions.

- `Evaluation`: mean@k, maj@k and pass@k with 95 % intervals, overall and by level.
- `as_json`: means and intervals as JSON; `tries`: the k of pass@k.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ttrl_agents.evaluate.results import QuestionResult
from ttrl_agents.evaluate.statistics import Interval, bootstrap_intervals, pass_at_k

__all__ = ["Evaluation", "as_json", "tries"]


@dataclass(frozen=True)
class Evaluation:
    """The results of questions, each with k completions.

    Scores are means over the graded questions, i.e. those with a label.

    Attributes:
        results: One for each question; at least one, all with the same k.

    Raises:
        ValueError: There is no result, their k differ, or a question is in it twice.
    """

    results: tuple[QuestionResult, ...]

    def __post_init__(self) -> None:
        if len({result.k for result in self.results}) != 1:
            raise ValueError("an evaluation needs questions with the same number of completions")
        seen: set[str] = set()
        for result in self.results:
            if result.question_id in seen:
                raise ValueError(f"question {result.question_id!r} is in it twice")
            seen.add(result.question_id)

    @property
    def k(self) -> int:
        """Completions for each question."""
        return self.results[0].k

    @property
    def graded(self) -> tuple[QuestionResult, ...]:
        """The questions that have a label."""
        return tuple(result for result in self.results if result.correct is not None)

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Whether each completion of each graded question is right, shape (graded, k)."""
        rows = [result.correct for result in self.graded]
        return np.array(rows, dtype=np.bool_).reshape(len(rows), self.k)

    @property
    def majority_correct(self) -> npt.NDArray[np.bool_]:
        """Whether each graded question's most frequent answer is right, shape (graded,)."""
        return np.array([bool(result.majority_correct) for result in self.graded], dtype=np.bool_)

    @property
    def finished(self) -> float:
        """The share of completions that ended on their own; the others were cut off."""
        return self._share([result.finished for result in self.results])

    @property
    def absent(self) -> float:
        """The share of completions without an answer."""
        return self._share([[vote < 0 for vote in result.votes] for result in self.results])

    @property
    def mean_tokens(self) -> float:
        """The length of a completion, on average."""
        return float(np.mean([result.tokens for result in self.results]))

    @property
    def majority_ratio(self) -> float:
        """The share of votes that the consensus has, on average."""
        return float(np.mean([result.majority_ratio for result in self.results]))

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels of the questions, easiest first."""
        return tuple(sorted({each.level for each in self.results if each.level is not None}))

    def of_level(self, level: int) -> Evaluation:
        """Returns the evaluation of the questions of a level."""
        return Evaluation(tuple(result for result in self.results if result.level == level))

    @property
    def metrics(self) -> dict[str, Interval]:
        """`mean@k` (the paper's pass@1), `maj@k` and `pass@k`; empty if nothing is graded."""
        correct = self.correct
        return self._intervals(
            {
                f"mean@{self.k}": correct.mean(axis=1),
                f"maj@{self.k}": self.majority_correct,
                f"pass@{self.k}": correct.any(axis=1),
            }
        )

    @property
    def pass_at(self) -> dict[str, Interval]:
        """The unbiased pass@1, pass@2, pass@4, … up to pass@k; empty if nothing is graded."""
        counts = self.correct.sum(axis=1).tolist()
        return self._intervals(
            {
                f"pass@{k}": np.array([pass_at_k(self.k, right, k) for right in counts])
                for k in tries(self.k)
            }
        )

    def to_dict(self) -> dict[str, object]:
        """Returns the metrics as JSON, each with its interval under `…_ci95`."""
        return as_json(self.metrics) | {
            "questions": len(self.results),
            "graded": len(self.graded),
            "majority_ratio": round(self.majority_ratio, 6),
            "finished": round(self.finished, 6),
            "absent": round(self.absent, 6),
        }

    def _intervals(self, scores: dict[str, npt.ArrayLike]) -> dict[str, Interval]:
        if not self.graded:
            return {}
        columns = np.stack([np.asarray(each, np.float64) for each in scores.values()], axis=1)
        return dict(zip(scores, bootstrap_intervals(columns), strict=True))

    def _share(self, rows: object) -> float:
        return float(np.mean(np.array(rows, dtype=np.bool_)))


def as_json(intervals: dict[str, Interval]) -> dict[str, object]:
    """Returns means and intervals as JSON, the latter under `…_ci95`."""
    values: dict[str, object] = {}
    for name, interval in intervals.items():
        values[name] = round(interval.mean, 6)
        values[name + "_ci95"] = [round(interval.low, 6), round(interval.high, 6)]
    return values


def tries(k: int) -> list[int]:
    """Returns 1, 2, 4, … and k itself.

    >>> tries(16), tries(6)
    ([1, 2, 4, 8, 16], [1, 2, 4, 6])
    """
    powers = [2**i for i in range(k.bit_length())]
    return powers if powers[-1] == k else [*powers, k]
