"""The comparison of rewards: what it computes, and that it can be stopped and gone on with."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "paper" / "rewards.py"


@pytest.fixture(scope="module")
def comparison():
    spec = importlib.util.spec_from_file_location("paper_rewards", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def write_run(folder: Path, trained: float, held_out: float, right: list[float]) -> None:
    folder.mkdir(parents=True)
    lines = [json.dumps({"ground_truth_ratio": each}) for each in right]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    measured = {
        split: {"mean@16": mean, "questions": 16}
        for split, mean in (("train", trained), ("held_out", held_out))
    }
    (folder / "measured.json").write_text(json.dumps(measured))


def test_the_gap_is_from_the_best_moving_average_to_the_last(comparison, tmp_path):
    # A window of 16 / 8 = 2: the means are 0.3, 0.6, 0.5, 0.2.
    write_run(tmp_path / "run", 0.5, 0.5, [0.2, 0.4, 0.8, 0.2, 0.2])
    assert comparison.gap_of(tmp_path / "run", 8, 16) == pytest.approx(0.4)
    assert comparison.gap_of(tmp_path / "run", 8, 10_000) == 0  # shorter than the window


def test_table_and_picture_have_every_reward_the_best_first(comparison, tmp_path):
    options = comparison.Options(
        seeds=(0, 1), rewards=("majority", "held(every=2)"), output=tmp_path
    )
    for seed, (majority, held) in enumerate(((0.4, 0.5), (0.5, 0.8))):
        write_run(options.folder("majority", seed), majority, 0.25, [0.5] * 4)
        write_run(options.folder("held(every=2)", seed), held, 0.35, [0.5, 0.5, 0.3, 0.3])
        (tmp_path / "start").mkdir(exist_ok=True)
        start = {split: {"mean@16": 0.3} for split in ("train", "held_out")}
        (tmp_path / "start" / f"seed{seed}.json").write_text(json.dumps(start))
    rows, start = comparison.read_rows(options)
    console = Console(file=io.StringIO(), width=160)
    comparison.report(options, rows, start, console)
    table = (tmp_path / "rewards.md").read_text().splitlines()
    assert table[2].startswith("| (start) | 0.300 |")
    assert table[3] == "| held(every=2) | 0.650 | 0.212 | 0.500 | 0.350 | 0.000 | 20.0 |"
    assert table[4] == "| majority | 0.450 | 0.071 | 0.400 | 0.250 | 0.000 | 0.0 |"
    assert "held(every=2)" in console.file.getvalue()
    assert (tmp_path / "rewards.png").stat().st_size > 10_000


def test_folders_have_names_that_every_file_system_takes(comparison, tmp_path):
    options = comparison.Options(rewards=("held(inner=scrl, every=2)",), output=tmp_path)
    folder = options.folder("held(inner=scrl, every=2)", 3)
    assert folder == tmp_path / "held-inner=scrl-every=2-seed3"
    values = comparison.config_of(options, "self_harmony", 1)
    assert (values["rephrase"], values["seed"], values["evaluate"]) == ("arithmetic", 1, False)
    assert comparison.config_of(options, "majority", 1)["rephrase"] is None


@pytest.mark.slow
def test_a_comparison_is_read_where_it_is_complete(tmp_path):
    options = "--steps 2 --seeds 0 --rewards scrl co_rewarding --train.eval-k 2"
    options += " --train.questions-per-step 2 --train.n-votes 4 --train.max-tokens 64"
    command = [sys.executable, str(SCRIPT), *options.split(), "--output", str(tmp_path)]
    subprocess.run(command, check=True, timeout=600)
    table = (tmp_path / "rewards.md").read_text()
    assert "| scrl |" in table
    assert "| co_rewarding |" in table
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*-seed0/*.json*")}
    assert len(times) == 8
    subprocess.run(command, check=True, timeout=600)
    assert (tmp_path / "rewards.md").read_text() == table
    assert {path: path.stat().st_mtime_ns for path in times} == times
