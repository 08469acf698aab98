"""The votes of a run: what a line says, and that it is read back."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.errors import AgentError
from ttrl_agents.rollout import Rollout
from ttrl_agents.run.votes import (
    AnswerVotes,
    GroupVotes,
    append_votes,
    read_votes,
    votes_of_step,
)


def step_of(groups, *, labels=True):
    """A rollout and its votes; each group is its question, its answers and its consensus."""
    size = len(groups[0][1])
    columns = {"answer": [], "answer_key": [], "vote": [], "consensus": [], "question_id": []}
    rewards = []
    for question, answers, consensus in groups:
        keys = [None if each is None else each.lstrip("0") for each in answers]
        known = list(dict.fromkeys(key for key in keys if key is not None))
        columns["answer"] += answers
        columns["answer_key"] += keys
        columns["vote"] += [-1 if key is None else known.index(key) for key in keys]
        columns["consensus"] += [consensus] * size
        columns["question_id"] += [question] * size
        rewards += [float(key is not None and key == consensus) for key in keys]
    count = len(rewards)
    votes = {name: np.array(values, dtype=object) for name, values in columns.items()}
    ratios = [
        max(np.bincount([v + 1 for v in votes["vote"][i : i + size]], minlength=2)[1:]) / size
        for i in range(0, count, size)
    ]
    votes |= {
        "position": np.repeat(np.arange(count // size), size),
        "majority_ratio": np.repeat(ratios, size),
        "abstained": np.zeros(count, dtype=bool),
        "label_accuracy": np.ones(count),
        "_label_accuracy": np.full(count, labels),
    }
    rollout = Rollout(
        prompts=["?"] * count,
        completions=["."] * count,
        rewards=np.array(rewards),
        abstained=votes["abstained"],
        group_size=size,
    )
    return rollout, votes


def test_a_group_is_written_with_its_answers_and_rewards():
    rollout, votes = step_of([("q", ["7", "8", "07", None], "7")])
    (group,) = votes_of_step(3, rollout, votes, {})
    assert group == GroupVotes(
        step=3,
        question_id="q",
        position=0,
        answers=(AnswerVotes("7", "7", 2), AnswerVotes("8", "8", 1)),
        votes=(0, 1, 0, -1),
        pseudo_label=0,
        majority_ratio=0.5,
        abstained=False,
        rewards=(1.0, 0.0, 1.0, 0.0),
        flip=None,
        label_accuracy=1.0,
    )
    assert group.absent == 1
    assert group.majority == 0


def test_the_flip_compares_with_the_last_visit_of_the_question():
    last = {}
    visits = [["7", "7"], ["8", "8"], [None, None], ["08", "8"], ["7", "7"]]
    flips = []
    for step, answers in enumerate(visits, 1):
        (group,) = votes_of_step(step, *step_of([("q", answers, answers[0])]), last)
        flips.append(group.flip)
    assert flips == [None, True, None, False, True]


def test_a_question_without_label_has_no_accuracy_and_without_answer_no_pseudo_label():
    rollout, votes = step_of([("q", [None, None], None), ("r", ["1", "2"], "2")], labels=False)
    empty, other = votes_of_step(1, rollout, votes, {})
    assert (empty.label_accuracy, other.label_accuracy) == (None, None)
    assert (empty.pseudo_label, empty.majority, empty.answers, empty.absent) == (None, None, (), 2)
    assert (other.pseudo_label, other.majority) == (1, 0)


@given(
    st.lists(
        st.one_of(st.none(), st.text(st.characters(), min_size=1, max_size=8)),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_written_is_read_back_whatever_the_answers(tmp_path_factory, answers):
    rollout, votes = step_of([("q", answers, next((each for each in answers if each), None))])
    groups = votes_of_step(1, rollout, votes, {})
    folder = tmp_path_factory.mktemp("votes")
    append_votes(folder, groups)
    append_votes(folder, groups)
    assert read_votes(folder) == [*groups, *groups]
    assert (folder / "votes.jsonl").read_bytes().isascii()


def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path):
    (group,) = votes_of_step(1, *step_of([("q", ["7"], "7")]), {})
    append_votes(tmp_path, [group, replace(group, step=2)])
    path = tmp_path / "votes.jsonl"
    path.write_text(path.read_text()[:-10])
    assert read_votes(tmp_path) == [group]


@pytest.mark.parametrize("line", ["{", "7", "{}", json.dumps({"answers": [{"x": 1}]})])
def test_a_damaged_line_is_named(tmp_path, line):
    (tmp_path / "votes.jsonl").write_text(line + "\n")
    with pytest.raises(AgentError, match=r"Line 1 of .*votes.jsonl is damaged"):
        read_votes(tmp_path)


def test_a_folder_without_votes_says_so(tmp_path):
    with pytest.raises(AgentError, match=r"has no votes.jsonl"):
        read_votes(tmp_path)
