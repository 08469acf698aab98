"""The GPU check at toy sizes: every stage runs, and nothing that goes wrong is lost."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[3] / "benchmarks/gpu/check.py"


@pytest.fixture(scope="module")
def check():
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        import check
    finally:
        sys.path.remove(str(SCRIPT.parent))
    return check


@pytest.fixture
def setting(check, tmp_path):
    return check.Setting.on("cpu", tmp_path, None, None)


def results_of(folder):
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def run_stage(check, setting, name):
    check._run_here(check.STAGES[name], setting)
    return results_of(setting.folder)


def named(results, part):
    return [each for each in results if part in each["name"]]


def test_the_script_runs_a_stage_and_writes_the_table(tmp_path):
    command = [sys.executable, SCRIPT, "--device", "cpu", "--output", tmp_path / "out"]
    done = subprocess.run(
        [*command, "--stages", "environment"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "out" / "results.md").read_text()
    assert table.strip() in done.stdout
    assert table.startswith("GPU check at toy sizes on a CPU: a test of the check")
    assert f"| environment | torch | {torch.__version__} |  |  |" in table
    (product,) = named(results_of(tmp_path / "out"), "product")
    assert product["value"] > 0


@pytest.mark.slow
def test_types_and_packing_agree_with_float32(check, setting):
    results = run_stage(check, setting, "equality")
    assert {each["status"] for each in results} == {"passed"}
    assert len(results) == 3 * 2 * 6
    (exact,) = named(results, "float32, rows padded: gradient, relative")
    (rounded,) = named(results, "bfloat16, rows padded: gradient, relative")
    assert exact["value"] == 0
    assert rounded["value"] > 1e-3  # it compares what differs


@pytest.mark.parametrize(
    ("stage", "measured", "skipped"),
    [
        ("update", "trained tokens per second", "peak memory"),
        ("head", "PyTorch: forward and backward", "Triton"),
        ("sampling", "8 completions at once", None),
        ("adapters", "layers kept: 4 x 40 tokens", None),
        pytest.param("training", "label_accuracy, last step", None, marks=pytest.mark.slow),
    ],
)
def test_a_stage_measures_and_says_what_it_cannot(check, setting, stage, measured, skipped):
    results = run_stage(check, setting, stage)
    assert not [each for each in results if each["status"] == "failed"]
    assert named(results, measured)[0]["status"] == "measured"
    if skipped is not None:
        assert named(results, skipped)[0]["status"] == "skipped"
        assert named(results, skipped)[0]["reason"]


def test_a_stage_that_takes_too_long_is_ended(check, setting):
    check._run_apart(check.Stage("equality", "numerics", 0.2), setting, "cpu", left=60)
    (failed, seconds) = results_of(setting.folder)
    assert failed["status"] == "failed"
    assert failed["reason"] == "not done within 1 s"
    assert seconds["value"] < 30


def test_a_stage_that_dies_is_noticed(check, setting, monkeypatch):
    monkeypatch.setattr(check, "__file__", "/nowhere.py")
    check._run_apart(check.STAGES["update"], setting, "cpu", left=60)
    failed, _ = results_of(setting.folder)
    assert failed["status"] == "failed"
    assert failed["reason"] == "exit status 2; see update.log"
    assert "/nowhere.py" in (setting.folder / "update.log").read_text()


def test_without_time_a_stage_is_skipped(check, setting):
    check._run_apart(check.STAGES["update"], setting, "cpu", left=3)
    (skipped,) = results_of(setting.folder)
    assert (skipped["status"], skipped["reason"]) == ("skipped", "no time is left")


def test_an_error_is_a_result(check, setting, capsys):
    check._run_here(check.Stage("nothing", "numerics", 1), setting)
    (failed,) = results_of(setting.folder)
    assert failed["status"] == "failed"
    assert failed["reason"].startswith("AttributeError: module 'checks.numerics' has no")


def test_a_failure_is_the_exit_status(check, tmp_path, monkeypatch, capsys):
    def run_apart(stage, setting, device, left):
        check.Report(setting.folder, stage.name).check("speed", 1.0, at_least=2.0)

    monkeypatch.setattr(check, "_run_apart", run_apart)
    assert check.main(device="cpu", output=tmp_path, stages=("update",)) == 1
    assert "| update | speed | 1 | at least 2 | **failed** |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "cpu", "stages": ("nothing",)}, "Unknown stage 'nothing'; there are"),
        ({"device": "cuda:99"}, "Use --device cpu"),
    ],
)
def test_what_cannot_be_is_said(check, tmp_path, capsys, options, message):
    assert check.main(output=tmp_path / "out", **options) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_limits_are_kept_or_not(check, tmp_path):
    report = check.Report(tmp_path, "stage")
    report.check("low", 1.0, at_most=1.0)
    report.check("high", 1.1, at_most=1.0)
    report.check("between", 1.0, at_least=0.5, at_most=2.0)
    report.check("unknown", math.nan, at_most=1.0)
    statuses = [each["status"] for each in results_of(tmp_path)]
    assert statuses == ["passed", "failed", "passed", "failed"]
    table = check.write_table(tmp_path, "T", check.read_results(tmp_path))
    assert "| stage | between | 1 | at most 2, at least 0.5 | passed |" in table
    assert (tmp_path / "results.md").read_text() == table + "\n"
