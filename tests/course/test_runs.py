"""The tools for runs in a lesson: the folder of a run, and the lines of its progress."""

from __future__ import annotations

from pathlib import Path

import pytest
from course_files import COURSE  # noqa: F401 - puts the course on the path

from course_tools.pictures import OUTPUT_VARIABLE
from course_tools.runs import Progress, run_folder


def test_a_run_of_the_lesson_before_is_removed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(OUTPUT_VARIABLE, str(tmp_path))
    folder = run_folder("lesson_05")
    assert folder == tmp_path / "lesson_05"
    assert not folder.exists()
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    assert not run_folder("lesson_05").exists()


def test_what_is_not_a_run_is_left_alone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(OUTPUT_VARIABLE, str(tmp_path))
    (tmp_path / "lesson_05").mkdir()
    (tmp_path / "lesson_05" / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="is not a run"):
        run_folder("lesson_05")


def test_progress_prints_means_over_the_steps_since_its_last_line(capsys) -> None:
    progress = Progress(every=2)
    for step, ratio in enumerate((0.2, 0.4, 0.8, 1.0, 0.0), start=1):
        progress.on_step(step, {"majority_ratio": ratio, "ground_truth_ratio": ratio / 2})
    assert capsys.readouterr().out.splitlines() == [
        "step 2: right 0.15, agreement 0.30",
        "step 4: right 0.45, agreement 0.90",
    ]


def test_progress_leaves_out_what_a_run_without_labels_lacks(capsys) -> None:
    Progress(every=1).on_step(1, {"majority_ratio": 0.5})
    assert capsys.readouterr().out == "step 1: agreement 0.50\n"
