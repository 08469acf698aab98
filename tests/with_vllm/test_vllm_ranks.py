"""Two processes with an engine each: every engine samples from the weights that both train."""

import json
import os
import subprocess
import sys

from safetensors.torch import load_file

OPTIONS = (
    *("--steps", "2", "--questions-per-step", "2", "--n-votes", "4", "--max-tokens", "48"),
    *("--learning-rate", "1e-2", "--no-evaluate", "--device", "cpu", "--sampler", "vllm"),
    *("--engine-kv-gib", "0.125", "--gpus", "2"),
)


def test_an_engine_on_each_rank_samples_from_the_divided_policy(tmp_path):
    folder = tmp_path / "run"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "ttrl_agents", "train", *OPTIONS),
            *("--shard", "full", "--output", str(folder)),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["ranks"] for line in lines] == [2, 2]
    # At this learning rate a stale engine would be off by more than that in the second step.
    assert all(line["sampler_gap"] < 1e-4 for line in lines)
    assert {"engine.log", "engine-1.log"} <= {each.name for each in folder.iterdir()}
    before = load_file(folder / "checkpoints" / "best" / "model" / "model.safetensors")
    after = load_file(folder / "checkpoint" / "model.safetensors")
    assert any((before[name] - after[name]).abs().max() > 1e-3 for name in before)
