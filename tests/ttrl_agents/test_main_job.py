"""The main job, as `make train` runs it: label-free, past the first majority, and transferring."""

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_main_job_learns_what_it_promises(tmp_path):
    folder = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-m", "ttrl_agents", "train", "--output", str(folder)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads((folder / "summary.json").read_text())
    before, after = summary["before"], summary["after"]
    assert 0.35 <= before["train"]["mean@16"] <= 0.65
    assert after["train"]["mean@16"] - before["train"]["mean@16"] >= 0.30
    assert after["train"]["mean@16"] >= before["train"]["maj@16"]
    assert after["held_out"]["mean@16"] - before["held_out"]["mean@16"] >= 0.15
