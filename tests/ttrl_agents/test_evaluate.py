"""Evaluation: mean@k, maj@k and pass@k of completions that are known."""

import numpy as np
import pytest

from ttrl_agents.evaluate import Evaluation, evaluate
from ttrl_agents.samplers import SamplingParams
from ttrl_benchmarks import Benchmark, Question, SealedLabels
from ttrl_env.completion import Completion

BENCHMARK = Benchmark(
    name="three",
    questions=tuple(Question(name, f"{name}?") for name in ("a", "b", "c", "unlabelled")),
    labels=SealedLabels({"a": "1", "b": "2", "c": "3"}),
    answer_format="integer",
)
VOTES = {"a": "1 1 1 5", "b": "7 7 2 8", "c": "4 5 - -"}


class Scripted:
    """Answers each question with its scripted votes, in order."""

    def sample(self, prompts, params, *, seed, progress=None):
        left = {name: iter(votes.split()) for name, votes in VOTES.items()}
        answers = [next(left[prompt.rstrip("?")]) for prompt in prompts]
        return [
            Completion("?" if a == "-" else f"\\boxed{{{a}}}", finished=a != "-") for a in answers
        ]


def test_scores_by_hand():
    result = evaluate(Scripted(), BENCHMARK, k=4, params=SamplingParams(9), seed=0)
    assert result.correct.sum(axis=1).tolist() == [3, 1, 0]
    assert result.majority_correct.tolist() == [True, False, False]
    means = {name: interval.mean for name, interval in result.metrics.items()}
    assert means == pytest.approx({"mean@4": 4 / 12, "maj@4": 1 / 3, "pass@4": 2 / 3})
    assert result.finished == pytest.approx(10 / 12)
    assert result.to_dict()["questions"] == 3


def test_without_labels_there_is_nothing_to_measure():
    params = SamplingParams(9)
    assert evaluate(Scripted(), BENCHMARK.unlabeled(), k=4, params=params, seed=0) is None
    assert evaluate(Scripted(), BENCHMARK, k=4, params=params, seed=0, stop=lambda: True) is None


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        correct = rng.random((60, 4)) < 0.4
        interval = Evaluation(correct, correct[:, 0], 1.0).metrics["mean@4"]
        covered += interval.low <= 0.4 <= interval.high
    assert 0.88 <= covered / 200 <= 1.0
