"""The main job, as `make train` runs it: without labels, past the first majority, and elsewhere."""

import json
import subprocess
import sys

import pytest

from ttrl_agents.evaluate import evaluate
from ttrl_agents.policy import load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_benchmarks.arithmetic import load


def greedy_accuracy(model):
    sampler = TransformersSampler(load_policy(model, device="cpu"))
    fresh = load("held_out", 300, seed=7)
    result = evaluate(sampler, fresh, k=1, params=SamplingParams(96, temperature=0.0), seed=0)
    return result.metrics["mean@1"].mean


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
    for split, gain in (("train", 0.30), ("held_out", 0.25)):
        assert after[split]["mean@16"] - before[split]["mean@16"] >= gain
        assert after[split]["mean@16"] >= before[split]["maj@16"]
        assert before[split]["maj@16"] <= 0.97  # so that some votes can turn, or harden
    assert greedy_accuracy(str(folder)) - greedy_accuracy("tiny") >= 0.50
    assert summary["alarms"] == []
