"""Tallies: which questions turned, which agree on a wrong answer, which are divided."""

from evaluations_made_up import made_up_result

from ttrl_agents.evaluate.tallies import (
    agreed_on_wrong,
    courses_of_evaluation,
    courses_of_run,
    divided,
    turned,
)
from ttrl_agents.run.votes import AnswerVotes, GroupVotes


def group(step, question, votes, *, right=None, pseudo_label=0, absent=0):
    """The votes of a group; `votes` are the answers with their counts."""
    answers = tuple(AnswerVotes(answer, f"key {answer}", count) for answer, count in votes)
    classes = [i for i, (_, count) in enumerate(votes) for _ in range(count)] + [-1] * absent
    return GroupVotes(
        step=step,
        question_id=question,
        position=step,
        answers=answers,
        votes=tuple(classes),
        pseudo_label=pseudo_label,
        majority_ratio=max(count for _, count in votes) / len(classes),
        abstained=False,
        rewards=(0.0,) * len(classes),
        flip=None,
        label_accuracy=None if right is None else float(right),
    )


GROUPS = [
    group(1, "stays", [("1", 4)], right=True),
    group(1, "lost", [("1", 3), ("2", 1)], right=True),
    group(2, "found", [("5", 2), ("6", 2)], right=False, absent=1),
    group(3, "stays", [("1", 4)], right=True),
    group(3, "lost", [("1", 2), ("2", 2)], right=False, pseudo_label=1),
    group(4, "found", [("6", 4)], right=True),
    group(5, "lost", [("2", 4)], right=False),
]


def test_the_questions_that_elect_another_answer_those_turned_wrong_first():
    courses = courses_of_run(GROUPS)
    assert [each.question_id for each in courses] == ["stays", "lost", "found"]
    found = turned(courses)
    assert [(each.question_id, each.turn) for each in found] == [
        ("lost", "right to wrong"),
        ("found", "wrong to right"),
    ]
    lost = found[0]
    assert [tally.step for tally in lost.tallies] == [1, 3, 5]
    assert [tally.right for tally in lost.tallies] == [True, False, False]
    assert lost.to_dict()["last"]["answers"] == [{"answer": "2", "votes": 4}]


def test_without_labels_it_is_not_known_from_what_to_what():
    (course,) = turned(courses_of_run([group(1, "q", [("1", 4)]), group(2, "q", [("2", 4)])]))
    assert course.turn == "unknown"


def test_a_reward_without_a_pseudo_label_is_taken_by_its_majority_and_not_graded():
    groups = [group(1, "q", [("1", 1), ("2", 3)], right=False, pseudo_label=None)]
    (course,) = courses_of_run(groups)
    assert course.last.elected == "key 2"
    assert course.last.right is None


def test_answers_are_sorted_by_their_votes_and_absent_ones_count_in_the_share():
    (course,) = courses_of_run([group(1, "q", [("1", 1), ("2", 3)], absent=4, pseudo_label=1)])
    assert course.last.answers == (("2", 3), ("1", 1))
    assert course.last.share == 3 / 8


def test_an_evaluation_visits_each_question_once():
    results = [
        made_up_result("sure", ["1", "1", "1", "1"]),
        made_up_result("wrong", ["2", "2", "2", "1"]),
        made_up_result("even", ["3", "1", None, "4"]),
        made_up_result("mute", [None, None]),
        made_up_result("unknown", ["7", "7"], label=None),
    ]
    courses = courses_of_evaluation(results)
    assert turned(courses) == []
    assert [each.question_id for each in agreed_on_wrong(courses)] == ["wrong"]
    assert [each.question_id for each in divided(courses)][:2] == ["mute", "even"]
    mute = courses[3].last
    assert (mute.answers, mute.absent, mute.elected, mute.right) == ((), 2, None, None)
