"""TTRL-Guard: flips weigh a group down, favour minorities, and make later firmness suspect."""

from __future__ import annotations

import json

import numpy as np
import pytest
from env_fakes import boxed, vote

from ttrl_env.consensus import Guard, Majority, Verdict
from ttrl_env.consensus.rewards.common import group_advantages


def visit(guard: Guard, values: list[int], position: int, question: int = 0) -> Verdict:
    return guard(vote([boxed(value) for value in values], question, position))


def weight_of(verdict: Verdict) -> float:
    if verdict.weights is None:
        return 1.0
    (weight,) = set(verdict.weights.tolist())
    return weight


def test_without_a_flip_it_is_the_other_reward() -> None:
    guard = Guard(window=9)
    for position in range(8):
        verdict = visit(guard, [1, 1, 2, 3], position)
        assert verdict.rewards.tolist() == [1, 1, 0, 0]
        assert (verdict.advantages, verdict.weights, verdict.abstains) == (None, None, False)


def test_a_flip_weighs_the_group_down_and_a_firm_one_more() -> None:
    guard = Guard(bonus=0.0)
    visit(guard, [1, 1, 2, 3], 0)
    # m = 0.5 is not firm: 1 - 0.5.
    assert weight_of(visit(guard, [2, 2, 1, 3], 5)) == 0.5
    # m = 1 is: (1 - 0.5) (1 - 0.3).
    assert weight_of(visit(guard, [1, 1, 1, 1], 10)) == pytest.approx(0.5 * 0.7)
    assert weight_of(visit(guard, [1, 1, 1, 1], 15)) == 1
    heavy = Guard(bonus=0.0, flip_weight=1.0)
    visit(heavy, [1], 0)
    assert weight_of(visit(heavy, [2], 5)) == 0.1  # never less


def test_a_firm_winner_that_never_flipped_is_doubted_for_a_while() -> None:
    guard = Guard(window=3)
    weights = [weight_of(visit(guard, [1, 1, 1, 2], 5 * turn)) for turn in range(8)]
    assert weights == pytest.approx([1, 1, 0.85, 0.85, 0.85, 1, 1, 1])
    unsure = Guard(window=3)
    assert {weight_of(visit(unsure, [1, 1, 2, 3], turn)) for turn in range(8)} == {1.0}


def test_minorities_gain_at_a_flip_in_proportion_to_their_votes() -> None:
    guard = Guard(scale=False)
    visit(guard, [1] * 8, 0)
    values = [2, 2, 2, 1, 1, 3, 3, 4]  # 2 wins; 1 and 3 have a quarter, 4 has less
    verdict = visit(guard, values, 5)
    plain = group_advantages(verdict.rewards)
    gained = verdict.advantages - plain
    share = 0.3 * 0.5 * np.abs(plain).mean()
    assert gained == pytest.approx([0, 0, 0, share, share, share, share, 0])
    assert verdict.weights is None
    calm = visit(guard, values, 10)
    assert calm.advantages is None  # it flipped no more


def test_the_bonus_is_of_the_size_of_the_weighed_advantages() -> None:
    guard = Guard()
    visit(guard, [1] * 4, 0)
    verdict = visit(guard, [2, 2, 1, 3], 5)
    plain = 0.5 * group_advantages(verdict.rewards)
    gained = verdict.advantages - plain
    assert gained[2] == gained[3] == pytest.approx(0.3 * 0.5 * np.abs(plain).mean())


def test_a_question_that_flipped_and_is_firm_is_skipped_by_a_coin_of_the_visit() -> None:
    def skipped(guard: Guard) -> list[bool]:
        votes = [[1] * 4, [2] * 4] + [[2] * 4] * 40
        return [visit(guard, values, 5 * turn).abstains for turn, values in enumerate(votes)]

    coins = skipped(Guard())
    assert not any(coins[:4])  # fewer than five visits
    assert 0.4 < np.mean(coins[4:]) < 0.95
    assert skipped(Guard()) == coins
    assert skipped(Guard(seed=1)) != coins
    assert not any(skipped(Guard(skip=0.0)))
    assert all(skipped(Guard(skip=1.0))[4:])


def test_what_never_flipped_or_is_divided_is_not_skipped() -> None:
    calm, divided = Guard(skip=1.0), Guard(skip=1.0)
    assert not any(visit(calm, [1] * 4, turn).abstains for turn in range(9))
    turns = [[1, 1, 2, 3], [2, 2, 1, 3]] * 5
    assert not any(visit(divided, each, turn).abstains for turn, each in enumerate(turns))


def test_questions_are_apart_and_another_spelling_is_no_flip() -> None:
    guard = Guard()
    visit(guard, [1] * 4, 0, question=0)
    assert weight_of(visit(guard, [2] * 4, 1, question=1)) == 1
    assert weight_of(guard(vote([boxed("01"), boxed("1.0")], position=5))) == 1


def test_the_same_visit_seen_again_counts_once_and_has_the_same_verdict() -> None:
    guard, once = Guard(window=2), Guard(window=2)
    for turn, values in enumerate([[1] * 4, [2] * 4, [2] * 4, [2] * 4]):
        for _ in range(3):
            again = visit(guard, values, turn)
        single = visit(once, values, turn)
        assert weight_of(again) == weight_of(single)
        assert again.abstains == single.abstains
    assert guard.state_dict() == once.state_dict()


def test_a_silent_group_says_nothing_and_is_not_remembered() -> None:
    guard = Guard()
    assert guard(vote(["no", "idea"])).abstains
    assert guard.state_dict() == {}


def test_its_state_is_text_and_a_copy_goes_on_alike() -> None:
    guard = Guard(Majority(tie="share"), window=2)
    for turn, values in enumerate([[1] * 4, [2] * 4, [2, 2, 1, 1]]):
        visit(guard, values, 5 * turn)
    copy = Guard(Majority(tie="share"), window=2)
    copy.load_state_dict(json.loads(json.dumps(guard.state_dict())))
    assert copy.state_dict() == guard.state_dict()
    for turn in range(3, 9):
        one, other = (visit(each, [1, 1, 2, 2], 5 * turn) for each in (guard, copy))
        assert one.abstains == other.abstains
        assert weight_of(one) == weight_of(other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0}, "window must be a whole number"),
        ({"skip": 1.5}, "skip must be a number from 0 to 1"),
        ({"scale": "no"}, "scale must be"),
        ({"inner": "majority"}, "inner must be a reward"),
    ],
)
def test_options_out_of_range_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Guard(**options)
