"""DeepConf: votes weighed by confidence."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import vote_of

from ttrl_env.consensus import DeepConf, RewardError


def elected(estimator: DeepConf, values: list[int], **known: list[list[float]]) -> str | None:
    ballot = vote_of(values, **known)
    return ballot.answer_of(estimator(ballot).pseudo_label)


def test_one_sure_vote_outweighs_two_unsure_ones() -> None:
    sure = [[1.0], [1.0], [3.0]]
    assert elected(DeepConf(keep=1), [1, 1, 2], self_certainties=sure) == "2"
    assert elected(DeepConf(keep=1), [1, 1, 2], self_certainties=[[1.0]] * 3) == "1"
    verdict = DeepConf(keep=1)(vote_of([1, 1, 2], self_certainties=sure))
    assert verdict.rewards.tolist() == [0, 0, 1]


def test_only_the_most_confident_vote() -> None:
    # weights 3 + 2 against 4: all vote for 1, the better half (from 2.5 up) too; the best for 2.
    sure = [[3.0], [2.0], [4.0], [1.0]]
    values = [1, 1, 2, 3]
    assert elected(DeepConf(keep=1), values, self_certainties=sure) == "1"
    assert elected(DeepConf(keep=0.5), values, self_certainties=sure) == "2"
    verdict = DeepConf(keep=0.5)(vote_of([1, 2, 1, 2], self_certainties=sure))
    assert verdict.rewards.tolist() == [1, 0, 1, 0]


def test_absent_answers_do_not_set_the_bar() -> None:
    sure = [[1.0], [9.0], [9.0], [9.0]]
    assert elected(DeepConf(keep=0.1), [1, -1, -1, -1], self_certainties=sure) == "1"


@pytest.mark.parametrize(
    ("statistic", "confidence"),
    [
        ("mean", 5.0),  # of 2 4 9 1 9
        ("tail", 5.0),  # 1 9
        ("worst_window", 3.0),  # 2 4 of 3, 6.5, 5, 5
        ("worst_windows", 3.0),
    ],
)
def test_statistics_of_a_completion(statistic: str, confidence: float) -> None:
    estimator = DeepConf(statistic=statistic, window=2)  # type: ignore[arg-type]
    tokens = np.array([2, 4, 9, 1, 9], dtype=np.float32)
    assert estimator._confidence(tokens) == confidence
    assert estimator._confidence(tokens[:1]) == 2.0
    assert estimator._confidence(tokens[:0]) == 0.0


def test_worst_windows_average_the_lowest_tenth() -> None:
    tokens = np.arange(1, 22, dtype=np.float32)  # 20 windows of 2: 1.5, 2.5, ...
    assert DeepConf(statistic="worst_windows", window=2)._confidence(tokens) == 2.0


def test_probabilities_will_do() -> None:
    estimator = DeepConf(measure="probability", keep=1)
    assert not estimator.needs_token_statistics
    logs = [np.log([0.4, 0.4]), np.log([0.4, 0.4]), np.log([0.9, 0.9])]
    assert elected(estimator, [1, 1, 2], log_probs=logs) == "2"
    with pytest.raises(RewardError, match="sample with log-probabilities"):
        estimator(vote_of([1, 2]))
