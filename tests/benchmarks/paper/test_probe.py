"""The probe held against training: what is kept of a run, and when its verdict was right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from evaluations_made_up import made_up_result
from rich.console import Console

from ttrl_agents.config import TrainConfig
from ttrl_agents.probe import measure_votes

RESULTS = [
    made_up_result("a", ["7", "8", None, "7"]),
    made_up_result("b", ["9", "7", "9", "9"]),
]


def row_of(votes: list[list[int]], right: list[list[int]], **changed: object) -> dict:
    return {
        "alarms": [],
        "n_votes": len(votes[0]),
        "temperature": 1.0,
        "votes": votes,
        "finished": [len(votes[0])] * len(votes),
        "right": right,
        "majority": [[int(count > 2) for count in each] for each in right],
        "ratio": [0.5] * 4 + [0.95] * 4,
        "rate": [1e-4] + [2e-4] * 7,
        **changed,
    }


def results_of(script, rows: dict[str, dict]) -> dict:
    options = script("probe").Options()
    return {
        "command": "python benchmarks/paper/probe.py",
        "options": json.loads(json.dumps(options.options())),
        "runs": {name: {"0": row} for name, row in rows.items()},
    }


def test_the_votes_that_are_kept_say_what_the_completions_said(script) -> None:
    probe = script("probe")
    votes = probe.numbered_votes(RESULTS)
    assert votes == [[0, 1, -1, 0], [2, 0, 2, 2]]
    finished = [sum(each.finished) for each in RESULTS]
    found, verdict = probe.judged(row_of(votes, [[0, 0], [0, 0]], finished=finished))
    assert found == measure_votes(RESULTS)
    assert verdict.with_labels == ()


def test_an_outcome_is_what_is_beyond_chance(script) -> None:
    probe = script("probe")
    up, down, same = ([[1] * 9, [4] * 9], [[4] * 9, [0] * 9], [[2, 0] * 4, [0, 2] * 4])
    votes = [[0] * 4] * 9
    assert [probe.outcome_of(row_of(votes, each)) for each in (up, down, same)] == [
        "learned",
        "harmed",
        "no change",
    ]
    words = ("fit", "unfit", "doubtful")
    assert [probe.is_right(word, "learned") for word in words] == [True, False, None]
    assert [probe.is_right(word, "no change") for word in words] == [False, True, None]


def test_the_steps_that_agreement_took_are_those_of_the_full_learning_rate(script) -> None:
    probe = script("probe")
    row = row_of([[0] * 4] * probe.QUESTIONS_PER_STEP, [[0] * 4] * 2)
    # The first step has half of the rate, and the ratio is there at the fifth.
    assert probe.steps_seen(row, 2e-4) == 4.5
    assert probe.steps_seen({**row, "ratio": [0.5] * 8}, 2e-4) is None


def test_the_table_says_where_the_verdict_was_wrong(script) -> None:
    probe = script("probe")
    learning = [[n, n, n, n + 20, n + 40, n, n + 60, n] for n in range(10)]
    rows = {
        "tiny": row_of(learning, [[3] * 10, [8] * 10]),
        "spoilt": row_of(learning, [[3] * 10, [3] * 10], alarms=[[31, "runaway"]]),
        "untrained": row_of([[-1] * 8] * 10, [[0] * 10, [0] * 10]),
    }
    text = probe.table(results_of(script, rows))
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines()}
    assert lines["tiny"].endswith("| learned | yes |")
    assert lines["spoilt"].endswith("| 31, `runaway` | no change | **no** |")
    assert " | unfit: absent | " in lines["untrained"]
    assert lines["untrained"].endswith("| no change | yes |")
    assert "`fit`: 2, of which 1 learned, 1 no change; `unfit`: 1, of which 1 no change." in text
    assert "T 1, top-p 1" in text


def test_a_setting_that_there_is_not_is_named(script) -> None:
    with pytest.raises(SystemExit, match="--settings 'huge': there are tiny, tiny, level 1"):
        script("probe").Options(settings=("huge",))


@pytest.mark.slow
def test_a_made_model_is_probed_trained_and_measured_once(
    script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe, comparison = script("probe"), script("comparison")
    monkeypatch.setattr(script("pages"), "REPOSITORY", tmp_path)
    train = TrainConfig(
        steps=1, questions_per_step=2, n_votes=4, evaluate=False, env_options={"size": 5}
    )
    monkeypatch.setitem(probe.SETTINGS, "trained", {"model": "trained"})
    quiet = Console(quiet=True)
    options = probe.Options(settings=("trained",), output=tmp_path / "runs", train=train)
    probe.make_models(options, quiet)
    results = comparison.compare(options, quiet)
    row = results["runs"]["trained"]["0"]
    assert [len(each) for each in row["votes"]] == [16] * 5
    assert [len(each) for each in row["right"]] == [5, 5]
    assert "| trained | " in probe.table(results)
    monkeypatch.setattr(probe.EvaluationRun, "_ask", lambda *_: pytest.fail("sampled again"))
    assert comparison.compare(replace(options, jobs=1), quiet) == results
