"""What turned between two evaluations: with labels, and without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluations_made_up import made_up_result
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_agents.evaluate import Evaluation
from ttrl_agents.evaluate.turned import (
    changed_votes,
    describe_changed,
    describe_turned,
    turned_votes,
)

Answers = Mapping[str, Sequence[str | None]]
RIGHT, WRONG = ["1"] * 10, ["2"] * 10


def votes_on(answers: Answers, label: str | None = "1") -> Evaluation:
    """An evaluation in which each question got these answers; every label is the same."""
    return Evaluation(tuple(made_up_result(name, each, label) for name, each in answers.items()))


def test_votes_turn_in_both_directions_and_the_sure_ones_are_counted() -> None:
    before = {"a": WRONG, "b": RIGHT, "c": RIGHT, "d": RIGHT, "e": WRONG}
    after = {"a": RIGHT, "b": WRONG, "c": ["1"] * 4 + ["2"] * 6, "d": RIGHT, "e": WRONG}
    turned = turned_votes(votes_on(before), votes_on(after))
    assert turned.questions == 5
    assert [vote.question_id for vote in turned.to_right] == ["a"]
    assert [vote.question_id for vote in turned.to_wrong] == ["b", "c"]
    assert [vote.share_after for vote in turned.to_wrong] == [1.0, 0.6]
    assert turned.confidently_to_wrong == 1
    assert turned.confidently_wrong == 2  # b, which turned, and e, which was wrong all along
    assert turned.lost == ("b",)
    assert turned.found == ("a",)
    assert turned.to_dict()["votes_to_wrong"][0] == {
        "question_id": "b",
        "before": "1",
        "after": "2",
        "share_before": 1.0,
        "share_after": 1.0,
    }


def test_nine_of_ten_votes_are_confident_and_eight_are_not() -> None:
    for wrong, confident in ((8, 0), (9, 1), (10, 1)):
        after = votes_on({"a": ["2"] * wrong + ["1"] * (10 - wrong)})
        assert turned_votes(votes_on({"a": RIGHT}), after).confidently_to_wrong == confident


def test_a_vote_without_an_answer_is_wrong() -> None:
    turned = turned_votes(votes_on({"a": RIGHT}), votes_on({"a": [None] * 10}))
    assert len(turned.to_wrong) == 1
    assert turned.to_wrong[0].after is None
    assert turned.confidently_to_wrong == 0


def test_only_questions_that_both_grade_count() -> None:
    before = votes_on({"a": RIGHT, "b": RIGHT})
    assert turned_votes(before, votes_on({"b": WRONG, "c": WRONG})).questions == 1
    assert turned_votes(before, votes_on({"a": WRONG, "b": WRONG}, label=None)).questions == 0


def test_without_labels_agreement_and_pseudo_labels_are_compared() -> None:
    before = votes_on({"a": ["1", "1", "2", "3"], "b": ["5"] * 4, "c": [None] * 4}, label=None)
    after = votes_on({"a": ["2", "2", "2", "1"], "b": ["5.0"] * 4, "c": ["7"] * 4}, label=None)
    changed = changed_votes(before, after, "integer")
    assert [vote.question_id for vote in changed.changed] == ["a", "c"]  # 5.0 is 5
    assert changed.agreement_before == (0.5 + 1 + 0) / 3
    assert changed.agreement_after == (0.75 + 1 + 1) / 3
    assert [vote.question_id for vote in changed.most_divided] == ["a"]
    said = describe_changed(changed.to_dict())
    assert "had 50.0% of the votes on average, now 91.7%" in said
    assert "2 of 3 pseudo-labels changed" in said


def test_the_most_divided_come_first() -> None:
    after = {str(n): ["1"] * n + [f"9{i}" for i in range(10 - n)] for n in range(2, 11)}
    changed = changed_votes(votes_on(after, None), votes_on(after, None), "integer")
    assert [vote.question_id for vote in changed.most_divided] == ["2", "3", "4", "5", "6"]
    assert changed.changed == ()


ANSWERS = st.lists(st.sampled_from(["1", "2", "3", None]), min_size=4, max_size=4)
ROUNDS = st.dictionaries(st.sampled_from("abcdefgh"), ANSWERS, min_size=1)


@settings(deadline=None)  # the first call is slow on a busy machine
@given(before=ROUNDS, after=ROUNDS)
def test_the_counts_explain_the_change_of_both_scores(before: Answers, after: Answers) -> None:
    shared = [name for name in after if name in before]
    if not shared:
        return
    old = votes_on({name: before[name] for name in shared})
    new = votes_on({name: after[name] for name in shared})
    turned = turned_votes(votes_on(before), votes_on(after))
    gained = len(turned.to_right) - len(turned.to_wrong)
    assert gained == new.majority_correct.sum() - old.majority_correct.sum()
    passed = len(turned.found) - len(turned.lost)
    assert passed == new.correct.any(axis=1).sum() - old.correct.any(axis=1).sum()
    assert turned.confidently_to_wrong <= turned.confidently_wrong <= turned.questions


def test_nothing_turned_is_said_without_a_share() -> None:
    same = votes_on({"a": RIGHT})
    said = describe_turned(turned_votes(same, same).to_dict())
    assert said.startswith("Of 1 vote, 0 turned from wrong to right and 0 from right to wrong. ")
    assert "On 0 questions the last right completion vanished, on 0 a first one appeared." in said
