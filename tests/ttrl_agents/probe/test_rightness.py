"""How right the votes of a probe are, where there are labels."""

import pytest
from evaluations_made_up import made_up_result

from ttrl_agents.probe import measure_rightness

RESULTS = [
    made_up_result("right", ["1", "1", "1", "2"]),
    made_up_result("wrong", ["2", "2", "2", "1"]),
    made_up_result("sure", ["2"] * 4),
    made_up_result("unlabelled", ["5"] * 4, label=None),
]


def test_means_majorities_and_what_settling_would_gain():
    found = measure_rightness(RESULTS)
    assert found.graded == 3
    assert found.mean.mean == pytest.approx((3 / 4 + 1 / 4 + 0) / 3)
    assert found.majority.mean == pytest.approx(1 / 3)
    assert found.some.mean == pytest.approx(2 / 3)
    assert found.gain.mean == pytest.approx(0)
    assert found.confidently_wrong == 1


def test_reward_accuracy_compares_each_reward_with_that_of_the_label():
    rewards = []
    for result in RESULTS[:3]:
        winner = max(set(result.votes), key=result.votes.count)
        rewards += [
            (vote == winner) == right
            for vote, right in zip(result.votes, result.correct, strict=True)
        ]
    found = measure_rightness(RESULTS)
    assert found.reward_accuracy.mean == pytest.approx(sum(rewards) / len(rewards))
    silent = measure_rightness([made_up_result("silent", [None] * 4)])
    assert silent.reward_accuracy.mean == 1


def test_questions_without_an_answer_have_no_winner_that_could_be_wrong():
    assert measure_rightness(RESULTS).winners == pytest.approx(1 / 3)
    silent = made_up_result("silent", [None] * 4)
    assert measure_rightness([RESULTS[0], silent, silent]).winners == 1
    assert measure_rightness([silent]).winners is None


def test_without_labels_nothing_is_said():
    assert measure_rightness(RESULTS[3:]) is None
