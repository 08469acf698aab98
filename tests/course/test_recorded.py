"""The recorded runs of lesson 9: small, complete, and what the lesson says of them."""

from __future__ import annotations

import pytest
from course_files import COURSE

from course_tools.where import load
from ttrl_agents.run.votes import AnswerVotes, GroupVotes

NUMBERS = range(1, 9)

checks = load(COURSE / "checks" / "lesson_09.py")
recorder = load(COURSE / "data" / "record_runs.py")


@pytest.mark.parametrize("number", NUMBERS)
def test_a_recorded_run_is_small_and_complete(number: int) -> None:
    path = COURSE / "data" / f"run-{number}.json.gz"
    assert path.stat().st_size <= 20_000
    run = checks.recorded(number)
    assert set(run["metrics"]) == set(recorder.METRICS)
    assert set(run["judged"]) == set(recorder.JUDGED)
    series = [*run["metrics"].values(), *run["judged"].values()]
    assert {len(values) for values in series} == {recorder.STEPS}
    assert {step for step, _, _ in run["votes"]} == set(range(1, recorder.STEPS + 1))
    recipe = recorder.RECIPES[f"run-{number}"]
    assert run["options"]["seed"] == recipe.seed
    assert run["options"]["learning_rate"] == recipe.learning_rate


def test_half_of_the_recorded_runs_are_harmed() -> None:
    assert sum(checks.is_harmed(checks.recorded(number)) for number in NUMBERS) == 4


def test_of_a_group_the_most_frequent_answers_are_kept() -> None:
    answers = tuple(
        AnswerVotes(text, text, count) for text, count in zip("abcd", (1, 4, 2, 3), strict=True)
    )
    group = GroupVotes(3, "q", 0, answers, (), 1, 0.4, False, (), None, None)
    assert recorder.tally(group) == [3, "q", [["b", 4], ["d", 3], ["c", 2]]]
