"""The runs that lessons share: trained once, and again only where something is different."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from course_files import COURSE  # noqa: F401 - puts the course on the path

import course_tools.shared_runs as shared_runs
from course_tools.pictures import OUTPUT_VARIABLE
from ttrl_agents.callbacks import Callback
from ttrl_agents.config import TrainConfig


@pytest.fixture
def trainings(tmp_path: Path, monkeypatch) -> list[TrainConfig]:
    """The options of the trainings so far; a training writes its options and a summary."""
    begun: list[TrainConfig] = []

    class Training:
        def __init__(self, config: TrainConfig, callbacks: Sequence[Callback]) -> None:
            self.config, self.callbacks = config, callbacks

        def run(self) -> None:
            begun.append(self.config)
            folder = self.config.output
            assert folder is not None
            folder.mkdir(parents=True)
            (folder / "config.json").write_text(json.dumps(self.config.to_dict()))
            for step in range(1, self.config.steps + 1):
                self.callbacks[0].on_step(step, {})
            (folder / "summary.json").write_text("{}")

    monkeypatch.setenv(OUTPUT_VARIABLE, str(tmp_path))
    monkeypatch.setattr(shared_runs, "Trainer", Training)
    return begun


def test_a_run_is_trained_once(trainings, tmp_path: Path, capsys) -> None:
    folder = shared_runs.trained("majority", steps=10)
    assert folder == tmp_path / "runs" / "majority" == shared_runs.trained("majority", steps=10)
    assert len(trainings) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"run majority: 10 steps.. {folder}"
    assert second == f"run majority: is in {folder}"
    assert [each.name for each in folder.parent.iterdir()] == ["majority"]


def test_a_run_with_other_options_is_trained_again(trainings) -> None:
    shared_runs.trained("majority", steps=10)
    shared_runs.trained("majority", steps=10, seed=1)
    assert [each.seed for each in trainings] == [0, 1]


def test_a_run_that_was_stopped_is_trained_again(trainings, tmp_path: Path) -> None:
    (tmp_path / "runs" / "majority").mkdir(parents=True)
    folder = shared_runs.trained("majority", steps=10)
    assert len(trainings) == 1
    assert (folder / "summary.json").is_file()


def test_a_metric_that_is_missing_in_a_step_is_nan(tmp_path: Path) -> None:
    lines = ['{"step": 1, "kl_start": 0.5}', '{"step": 2, "kl_start": null}', '{"step": 3}']
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    found = shared_runs.metrics_of(tmp_path)
    np.testing.assert_array_equal(found["step"], [1, 2, 3])
    np.testing.assert_array_equal(found["kl_start"], [0.5, np.nan, np.nan])
