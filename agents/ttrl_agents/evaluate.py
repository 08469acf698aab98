"""Measuring a policy on labelled questions.

- `evaluate`: samples completions of every question and grades them.
- `Evaluation`: mean@k, maj@k and pass@k with 95 % intervals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ttrl_agents.samplers import Sampler, SamplingParams
from ttrl_agents.samplers.base import Progress
from ttrl_benchmarks import Benchmark
from ttrl_env.answers import answer_key
from ttrl_env.consensus import Majority, hold_vote

__all__ = ["Evaluation", "Interval", "evaluate"]

_BOOTSTRAPS = 2_000


@dataclass(frozen=True)
class Interval:
    """A mean over questions with its 95 % bootstrap interval.

    Attributes:
        mean: The mean, in [0, 1].
        low: 2.5th percentile of the means of resampled questions.
        high: 97.5th percentile.
    """

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Evaluation:
    """How a policy did on the labelled questions of a benchmark.

    Attributes:
        correct: Whether each completion's answer equals the label, shape (questions, k), bool.
        majority_correct: Whether each question's most frequent answer does, shape (questions,).
        finished: The share of completions that ended by themselves.
    """

    correct: npt.NDArray[np.bool_]
    majority_correct: npt.NDArray[np.bool_]
    finished: float

    @property
    def k(self) -> int:
        """Completions for each question."""
        return int(self.correct.shape[1])

    @property
    def metrics(self) -> dict[str, Interval]:
        """`mean@k` (the paper's pass@1), `maj@k` and `pass@k`, with 95 % intervals."""
        scores = {
            f"mean@{self.k}": self.correct.mean(axis=1),
            f"maj@{self.k}": self.majority_correct,
            f"pass@{self.k}": self.correct.any(axis=1),
        }
        return {name: _bootstrap(np.asarray(each, np.float64)) for name, each in scores.items()}

    def to_dict(self) -> dict[str, object]:
        """Returns the metrics as JSON holds them, each with its interval under `…_ci95`."""
        values: dict[str, object] = {}
        for name, interval in self.metrics.items():
            values[name] = round(interval.mean, 6)
            values[name + "_ci95"] = [round(interval.low, 6), round(interval.high, 6)]
        return values | {"questions": len(self.correct), "finished": round(self.finished, 6)}


def evaluate(
    sampler: Sampler,
    benchmark: Benchmark,
    *,
    k: int,
    params: SamplingParams,
    seed: int,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Evaluation | None:
    """Samples k completions of every labelled question and grades them.

    Args:
        sampler: Where completions come from.
        benchmark: The questions; those without a label are left out.
        k: Completions for each question.
        params: How to draw.
        seed: Names the draw.
        progress: Called with the number of new tokens while sampling goes on.
        stop: Asked between portions of questions; ends the evaluation without a result.

    Returns:
        The evaluation, or `None` where no question has a label or `stop` said so.
    """
    questions = [q for q in benchmark.questions if benchmark.labels.reveal(q.id) is not None]
    if not questions:
        return None
    correct = np.zeros((len(questions), k), dtype=np.bool_)
    majority_correct = np.zeros(len(questions), dtype=np.bool_)
    finished = 0
    portion = max(1, 1024 // k)
    for start in range(0, len(questions), portion):
        if stop():
            return None
        asked = questions[start : start + portion]
        prompts = [benchmark.prompt(question) for question in asked for _ in range(k)]
        portion_seed = int(np.random.SeedSequence([seed, start]).generate_state(1, np.uint64)[0])
        completions = sampler.sample(prompts, params, seed=portion_seed, progress=progress)
        finished += sum(completion.finished for completion in completions)
        for i, question in enumerate(asked):
            ballot = hold_vote(completions[i * k : (i + 1) * k], question, benchmark)
            label = benchmark.labels.reveal(question.id)
            truth = answer_key(label or "", benchmark.answer_format)
            right = ballot.keys.index(truth) if truth in ballot.keys else None
            correct[start + i] = ballot.classes == right if right is not None else False
            winner = Majority()(ballot).pseudo_label
            majority_correct[start + i] = winner is not None and winner == right
    return Evaluation(correct, majority_correct, finished / correct.size)


def _bootstrap(values: npt.NDArray[np.float64]) -> Interval:
    """The mean over questions, with its interval over resampled questions."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(len(values), size=(_BOOTSTRAPS, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))
