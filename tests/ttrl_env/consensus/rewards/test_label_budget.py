"""A budget of labels: which questions it buys, and what it leaves to the other reward."""

from __future__ import annotations

import json
from typing import Any

import pytest
from env_fakes import boxed, sums, vote

from ttrl_benchmarks import SealedLabels
from ttrl_env.consensus import (
    HeldVote,
    LabelBudget,
    Majority,
    RewardError,
    resolve_estimator,
    reward_needs,
)


def visit(budget: LabelBudget, values: list[int], question: int, position: int) -> Any:
    return budget(vote([boxed(value) for value in values], question, position))


def test_divided_questions_are_bought_until_the_budget_is_spent() -> None:
    budget = LabelBudget(sums(), labels=1)  # the label of question q is q + 1
    assert visit(budget, [9, 9, 9, 3], 2, 0).rewards.tolist() == [1, 1, 1, 0]  # firm: the vote
    assert visit(budget, [9, 9, 4, 3], 2, 5).rewards.tolist() == [0, 0, 0, 1]  # divided: the label
    assert visit(budget, [9, 9, 9, 3], 2, 10).rewards.tolist() == [0, 0, 0, 1]  # and from then on
    assert visit(budget, [9, 9, 4, 2], 1, 11).rewards.tolist() == [1, 1, 0, 0]  # spent
    assert budget.state_dict()["bought"] == ["sum-2"]


def test_no_label_is_read_that_is_not_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    reveal = SealedLabels.reveal

    def noted(self: SealedLabels, question_id: str) -> str | None:
        read.append(question_id)
        return reveal(self, question_id)

    monkeypatch.setattr(SealedLabels, "reveal", noted)
    budget = LabelBudget(sums(), labels=2)
    for position in range(20):
        visit(budget, [1, 2, 3, 4], position % 5, position)
    assert set(read) == {"sum-0", "sum-1"}


def test_nothing_is_bought_where_there_is_no_label_or_no_answer() -> None:
    budget = LabelBudget(sums(labelled=False))
    assert visit(budget, [1, 1, 2, 3], 0, 0).rewards.tolist() == [1, 1, 0, 0]
    silent = LabelBudget(sums())
    assert silent(vote(["no", "idea"])).abstains
    assert budget.state_dict() == silent.state_dict() == {}


def test_without_a_budget_it_is_the_other_reward_and_below_everything_it_is_the_oracle() -> None:
    none = LabelBudget(sums(), Majority(tie="share"), labels=0)
    assert visit(none, [9, 9, 3, 3], 2, 0).rewards.tolist() == [0.5] * 4
    every = LabelBudget(sums(), labels=99, below=1.0)
    assert visit(every, [9, 9, 9, 9], 2, 0).rewards.tolist() == [0] * 4


def test_its_state_is_text_and_holds_no_label() -> None:
    def make() -> LabelBudget:
        return LabelBudget(sums(), HeldVote(every=3), labels=2)

    budget = make()
    visit(budget, [9, 8, 7, 6], 2, 0)
    visit(budget, [9, 9, 9, 9], 3, 1)
    state = json.loads(json.dumps(budget.state_dict()))
    assert state["bought"] == ["sum-2"]
    copy = make()
    copy.load_state_dict(state)
    assert visit(copy, [9, 9, 9, 3], 2, 5).rewards.tolist() == [0, 0, 0, 1]
    assert visit(copy, [8, 8, 8, 9], 3, 6).rewards.tolist() == [0, 0, 0, 1]  # held


def test_as_text_it_takes_options_and_says_that_it_needs_labels() -> None:
    made = resolve_estimator("label_budget(inner=soft_majority, labels=3, below=0.25)", sums())
    assert repr(made).startswith("LabelBudget(inner=SoftMajority(")
    assert repr(made).endswith("labels=3, below=0.25)")
    assert "labels" in reward_needs("held(inner=label_budget(labels=3))")
    with pytest.raises(RewardError, match="labels must be a whole number"):
        resolve_estimator("label_budget(labels=0.5)", sums())
