"""The measurement of collapse: what became of a run, and what is kept and printed of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ttrl_agents.config import TrainConfig

STEPS = 40


def row_of(mean: list[float], alarms: list[list], **end: float) -> dict:
    """What is kept of a run with these shares of right completions."""
    flat = [0.5] * len(mean)
    series = {
        "ground_truth_ratio": mean,
        "label_accuracy": mean,
        "majority_ratio": flat,
        "settled_drift": [None] * 13 + flat[13:],
        "entropy": flat,
        "kl_start": [0.1 if step % 5 == 0 else None for step in range(len(mean))],
    }
    ends = {"mean@16": 0.5, "maj@16": 0.5, "greedy": 0.5, "confidently_wrong": 3, **end}
    return {"alarms": alarms, "best": 20, "end": ends, "series": series}


def results_of(script) -> dict:
    options = script("collapse").Options()
    fallen = [0.8] * 20 + [0.2] * 20
    return {
        "command": "python benchmarks/paper/collapse.py",
        "weights": "none",
        "options": json.loads(json.dumps(options.options())),
        "before": {"30": {}, "31": {}},
        "runs": {
            "healthy": {"30": row_of([0.8] * STEPS, []), "31": row_of([0.8] * STEPS, [])},
            "rate": {
                "30": row_of(fallen, [[18, "kl"], [30, "runaway"]]),
                "31": row_of(fallen, []),
            },
        },
    }


def test_a_run_is_harmed_from_the_step_after_which_it_never_comes_back(script) -> None:
    collapse = script("collapse")
    options = {"questions_per_step": 25}  # a pass is 4 steps
    dip = [0.8] * 10 + [0.0] * 4 + [0.8] * 10 + [0.4] * 10
    fate = collapse.fate_of(row_of(dip, [[20, "kl"]]), options)
    assert np.isnan(fate.mean[:3]).all()
    assert fate.mean[[3, 13, 23, 33]] == pytest.approx([0.8, 0, 0.8, 0.4])
    # Over 4 steps, 0.8, 0.8, 0.8, 0.4 is 0.7: the first mean that is 0.1 under the highest.
    assert fate.harmed_at == 25
    assert fate.lead == 5
    assert collapse.fate_of(row_of([0.8] * 30, []), options).harmed_at is None
    late = collapse.fate_of(row_of(dip, [[30, "kl"]]), options)
    assert late.lead == -5
    assert [collapse.before(lead) for lead in (2.5, -1, 0)] == [
        "2.5 steps before",
        "1 step after",
        "0 steps before",
    ]


def test_the_table_counts_alarms_and_harm(script, tmp_path: Path) -> None:
    collapse = script("collapse")
    results = results_of(script)
    text = collapse.table(results)
    assert "| default | 30 | none | 0.80 → 0.80 | 0.80 → 0.80 | - | - | 3 | 0.50 |" in text
    assert "| 5 × learning rate | 30 | 18, `kl` | 0.80 → 0.20 |" in text
    assert "- default: 0 of 2 runs raised an alarm; 0 of 2 were harmed" in text
    assert (
        "- 5 × learning rate: 1 of 2 runs raised an alarm; 2 of 2 were harmed, 1 of them without "
        "an alarm; on the median the alarm came 5 steps before the harm (5 steps before to 5 steps "
        "before). At the end 3 to 3 of the trained questions were confidently wrong."
    ) in text
    # A pass is 13 steps, and after 3 of them at 0.2 the mean is 0.1 under 0.8: from step 23 on.
    assert "at T 1, top-p 1" in text
    assert "10 points or more under its highest" in text
    collapse.draw(results, tmp_path / "collapse.png")
    assert (tmp_path / "collapse.png").stat().st_size > 10_000


def test_a_setting_that_there_is_not_is_named(script) -> None:
    with pytest.raises(
        SystemExit, match="--settings slow: there are healthy, double, triple, rate"
    ):
        script("collapse").Options(settings=("slow",))


@pytest.mark.slow
def test_runs_are_measured_once_and_their_series_are_kept(
    script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collapse, comparison = script("collapse"), script("comparison")
    monkeypatch.setattr(script("pages"), "REPOSITORY", tmp_path)
    monkeypatch.setitem(collapse.SETTINGS, "healthy", {"steps": 2})
    train = TrainConfig(
        evaluate=False,
        questions_per_step=2,
        n_votes=4,
        max_tokens=32,
        eval_k=2,
        env_options={"size": 5},
    )
    options = collapse.Options(
        settings=("healthy",), seeds=(0,), output=tmp_path / "runs", train=train
    )
    results = comparison.compare(options, Console(quiet=True))
    (row,) = results["runs"]["healthy"].values()
    assert set(row["series"]) == set(collapse.SERIES)
    assert {len(values) for values in row["series"].values()} == {2}
    assert set(row["end"]) == {"mean@2", "maj@2", "greedy", "confidently_wrong"}
    assert row["best"] in range(3)
    # What was measured is read.
    monkeypatch.setattr(collapse.EvaluationRun, "_ask", lambda *_: pytest.fail("sampled again"))
    assert comparison.compare(replace(options, jobs=1), Console(quiet=True)) == results
