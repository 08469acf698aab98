"""SCOPE: step confidences, labels of subgroups, and the size that is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import measured, vote, vote_of
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env import Completion
from ttrl_env.consensus import Scope
from ttrl_env.consensus.rewards.scope import step_confidence

SURE, UNSURE = [9.0], [1.0]


def test_a_step_counts_once_however_long_it_is() -> None:
    text = "a\n\nbbbbbb"  # nine tokens of one character: a step of three, and one of six
    values = [3.0, 3, 3, 6, 6, 6, 6, 6, 6]
    assert step_confidence(values, text) == 4.5
    assert np.mean(values) == 5.0
    assert step_confidence(values, "a\nbbbbbbb") == 5.0  # no blank line: one step
    assert step_confidence(values, "a\nbbbbbbb", "line") == pytest.approx((3 + 39 / 7) / 2)


@pytest.mark.parametrize("text", ["", "\n\n", "a\n\n\n\n", "\n\n\n\nb"])
def test_steps_without_tokens_do_not_count(text: str) -> None:
    assert step_confidence([2.0], text) == 2.0
    assert step_confidence([], text) == 0.0


@given(
    values=st.lists(st.floats(0, 9), min_size=1, max_size=20),
    text=st.text(alphabet="ab\n", max_size=30),
)
def test_a_step_confidence_lies_among_those_of_the_tokens(values: list[float], text: str) -> None:
    assert min(values) - 1e-9 <= step_confidence(values, text) <= max(values) + 1e-9


def test_where_all_vote_the_confident_answer_is_everyones_label() -> None:
    ballot = vote_of([1, 1, 1, 2], self_certainties=[UNSURE] * 3 + [SURE])
    verdict = Scope(voters=1.0)(ballot)
    assert verdict.rewards.tolist() == [0, 0, 0, 1]
    assert ballot.answer_of(verdict.pseudo_label) == "2"


def test_labels_are_of_half_the_group_and_differ_between_subgroups() -> None:
    ballot = vote_of([1, 2] * 8, self_certainties=[SURE] * 16)
    verdicts = [Scope(weight=0.0, seed=seed)(ballot) for seed in range(20)]
    assert any(verdict.pseudo_label is None for verdict in verdicts)
    assert all(0 < verdict.rewards.sum() < 16 for verdict in verdicts)
    assert len({tuple(verdict.rewards) for verdict in verdicts}) > 1


def test_the_size_weighs_reward_against_variety() -> None:
    ballot = vote_of([1, 1, 1, 2], self_certainties=[SURE] * 4)
    each, halves = (0, 1, 1, 0), (0, 0)
    # A quarter rewarded with two labels, three quarters with one: none beats the other in both.
    assert Scope(weight=0.7)._choose(ballot, [each, halves]) == 1
    assert Scope(weight=0.3)._choose(ballot, [each, halves]) == 0
    # All rewarded with two labels beats both.
    best = (0, 0, 0, 1)
    for weight in (0.0, 0.7, 1.0):
        assert Scope(weight=weight)._choose(ballot, [each, halves, best]) == 2
    assert Scope()._choose(ballot, [halves, halves]) == 0


def test_a_label_without_voters_rewards_nobody() -> None:
    ballot = vote_of([-1] * 7 + [1], self_certainties=[SURE] * 8)
    rewards = [Scope(voters=0.2, seed=seed)(ballot).rewards for seed in range(20)]
    assert all(not each[:7].any() for each in rewards)
    assert {float(each[7]) for each in rewards} == {0.0, 1.0}


def test_draws_are_of_the_visit() -> None:
    completions = measured([1, 2] * 8)
    rewards = [
        Scope(weight=0.0)(vote(completions, position=position)).rewards for position in range(5)
    ]
    assert len({tuple(each) for each in rewards}) > 1


def test_probabilities_need_no_token_statistics() -> None:
    completions = [
        Completion("\\boxed{1}", log_probs=[-2.0]),
        Completion("\\boxed{1}", log_probs=[-2.0]),
        Completion("\\boxed{2}", log_probs=[-0.1]),
    ]
    scope = Scope(voters=1.0, measure="probability")
    assert not scope.needs_token_statistics
    assert scope(vote(completions)).rewards.tolist() == [0, 0, 1]  # 2 exp(-2) < exp(-0.1)


@pytest.mark.parametrize(
    "options", [{"voters": 2}, {"weight": -0.1}, {"steps": "word"}, {"measure": "x"}, {"seed": -1}]
)
def test_options_out_of_range_are_named(options: dict) -> None:
    with pytest.raises(ValueError, match="must be"):
        Scope(**options)


def test_only_answers_of_voters_are_elected_however_small_their_confidence() -> None:
    elected = set()
    for position in range(20):
        values = [1, 2, 3, 4]  # one voter, whose confidence is too small for a float
        ballot = vote(measured_with(values, -900.0), position=position)
        scope = Scope(voters=0.25, weight=1.0, measure="probability")
        elected |= set(np.flatnonzero(scope(ballot).rewards).tolist())
    assert elected == {0, 1, 2, 3}


def measured_with(values: list[int], log_prob: float) -> list[Completion]:
    return [Completion(rf"\boxed{{{value}}}", log_probs=[log_prob]) for value in values]
