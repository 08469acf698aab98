"""A divided run of two processes, one of them killed at 25 instants, ends as one left alone.

Kills come in chains, as in `run/test_kill.py`: a run is killed, resumed, killed again. About half
of them aim at a save, which both processes write into. Each time the other process has to end by
itself, and soon.
"""

import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ranks import OF_RANKS, environment_of, free_port
from small_runs import metrics_of, weights_of

KILLS = 25
OPTIONS = {
    "steps": 10,
    "checkpoint-every": 1,
    "questions-per-step": 2,
    "n-votes": 4,
    "max-tokens": 32,
    "micro-batch-tokens": 100,
    "learning-rate": 1e-3,
    "device": "cpu",
    "shard": "full",
    "monitor-kl-every": 0,
}
TIMEOUT = 900.0
LOST = 75


def start(folder: Path, size: int) -> list[subprocess.Popen[bytes]]:
    """Starts a run, or goes on with it, in so many processes."""
    words = [word for name, value in OPTIONS.items() for word in (f"--{name}", str(value))]
    begun = (folder / "config.json").is_file()
    port = free_port()
    own = ["--resume", folder] if begun else ["--output", folder, "--no-evaluate", *words]
    return [
        subprocess.Popen(
            [sys.executable, "-m", "ttrl_agents", "train", *map(str, own)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment_of(rank, size, port),
        )
        for rank in range(size)
    ]


def finish(processes: list[subprocess.Popen[bytes]]) -> None:
    for each in processes:
        _, errors = each.communicate(timeout=TIMEOUT)
        assert each.returncode == 0, errors.decode()


def saving(folder: Path) -> bool:
    return any((folder / "checkpoints").glob(".step-*.tmp"))


def wait_until(happened, processes: list[subprocess.Popen[bytes]]) -> bool:
    """Whether it happened while all processes lived."""
    deadline = time.monotonic() + TIMEOUT
    while all(each.poll() is None for each in processes):
        if happened():
            return True
        assert time.monotonic() < deadline, "the run neither went on nor ended"
        time.sleep(0.001)
    return False


def kill(
    processes: list[subprocess.Popen[bytes]],
    folder: Path,
    rng: random.Random,
    *,
    at_a_save: bool,
) -> bool:
    """Kills one process at a seeded instant; whether it was still there to be killed."""
    lines = folder / "metrics.jsonl"
    before = lines.stat().st_mtime_ns if lines.exists() else 0
    if not wait_until(lambda: lines.exists() and lines.stat().st_mtime_ns != before, processes):
        finish(processes)
        return False
    time.sleep(rng.random() * 0.3)
    if at_a_save:
        wait_until(lambda: saving(folder), processes)
        time.sleep(rng.random() * 0.03)
    victim = processes[rng.randrange(len(processes))]
    victim.send_signal(signal.SIGKILL)
    said = [each.communicate(timeout=TIMEOUT)[1].decode() for each in processes]
    for each, errors in zip(processes, said, strict=True):
        if each is not victim:
            assert ended_by_itself(each.returncode, errors), (each.returncode, errors)
    return victim.returncode == -signal.SIGKILL


def ended_by_itself(code: int, errors: str) -> bool:
    """Whether a rank that lost another one ended as it should."""
    # A thread of PyTorch's gloo may throw before ours is told of the lost connection.
    lost = re.search("gloo|connection|terminate called", errors, re.IGNORECASE)
    return code in (LOST, 0) or (code == -signal.SIGABRT and lost is not None)


@pytest.mark.slow
def test_a_rank_killed_at_any_instant_costs_nothing_of_the_run(tmp_path):
    rng = random.Random(16)
    whole = tmp_path / "whole"
    finish(start(whole, 2))
    kills, runs, other = 0, 0, {}
    while kills < KILLS:
        folder = tmp_path / f"run-{runs}"
        runs += 1
        while kills < KILLS and kill(start(folder, 2), folder, rng, at_a_save=kills % 2 == 1):
            kills += 1
            if len(other) < 2 and kills >= 3:
                size = (1, 3)[len(other)]
                other[size] = shutil.copytree(folder, tmp_path / f"with-{size}")
        if not (folder / "summary.json").exists():
            finish(start(folder, 2))
        assert without_ranks(whole) == without_ranks(folder)
        for name, tensor in weights_of(whole).items():
            assert tensor.equal(weights_of(folder)[name]), name
    for size, folder in other.items():
        finish(start(folder, size))
        votes = ["step", "majority_ratio", "mean_reward", "tokens"]
        assert [[line[name] for name in votes] for line in metrics_of(whole)] == [
            [line[name] for name in votes] for line in metrics_of(folder)
        ]


def without_ranks(folder: Path) -> list[dict[str, float]]:
    """The metrics of a run, but for those that say how the work was shared."""
    return [
        {name: value for name, value in line.items() if name not in OF_RANKS}
        for line in metrics_of(folder)
    ]
