"""Held votes: labels that stand still for a while."""

from __future__ import annotations

import json

from env_fakes import boxed, vote

from ttrl_env.consensus import HeldVote, Majority, SoftMajority, Verdict


def visit(held: HeldVote, values: list[int], position: int, question: int = 0) -> Verdict:
    return held(vote([boxed(value) for value in values], question, position))


def test_a_label_is_held_and_renewed() -> None:
    held = HeldVote(every=3)
    assert visit(held, [1, 1, 2], 0).rewards.tolist() == [1, 1, 0]
    for position in (5, 10):
        verdict = visit(held, [2, 2, 1], position)
        assert verdict.rewards.tolist() == [0, 0, 1]
        assert verdict.pseudo_label == 1
    assert visit(held, [2, 2, 1], 15).rewards.tolist() == [1, 1, 0]  # renewed
    assert visit(held, [1, 1, 2], 20).rewards.tolist() == [0, 0, 1]


def test_another_spelling_of_the_held_answer_is_the_same() -> None:
    held = HeldVote(every=9)
    visit(held, [7], 0)
    assert held(vote([boxed("07"), boxed("7.0"), boxed(8)], position=5)).rewards.tolist() == [
        1,
        1,
        0,
    ]


def test_an_answer_that_nobody_gives_pays_nobody() -> None:
    held = HeldVote(every=9)
    visit(held, [1], 0)
    verdict = visit(held, [2, 3], 5)
    assert not verdict.rewards.any()
    assert verdict.pseudo_label is None
    assert not verdict.abstains


def test_questions_are_held_apart_and_the_same_visit_counts_once() -> None:
    held = HeldVote(every=2)
    visit(held, [1, 1, 2], 0, question=0)
    assert visit(held, [3, 3, 2], 1, question=1).rewards.tolist() == [1, 1, 0]
    for _ in range(3):
        assert visit(held, [2, 2, 1], 5, question=0).rewards.tolist() == [0, 0, 1]
    assert visit(held, [2, 2, 1], 10, question=0).rewards.tolist() == [1, 1, 0]


def test_a_vote_without_a_winner_is_not_held() -> None:
    held = HeldVote(Majority(tie="abstain"), every=9)
    assert visit(held, [1, 2], 0).abstains
    assert held.state_dict() == {}
    assert visit(held, [1, 1, 2], 5).rewards.tolist() == [1, 1, 0]
    assert visit(held, [2, 2, 1], 10).rewards.tolist() == [0, 0, 1]


def test_every_visit_is_the_other_reward_itself() -> None:
    held = HeldVote(SoftMajority(), every=1)
    for position in range(4):
        verdict = visit(held, [1, 1, 2], position)
        assert verdict.rewards.tolist() == [2 / 3, 2 / 3, 1 / 3]


def test_its_state_is_text() -> None:
    held = HeldVote(every=3)
    visit(held, [1, 1, 2], 7)
    assert json.loads(json.dumps(held.state_dict())) == {
        "held": {"sum-0": ["1", 0, 7]},
        "inner": {},
    }
