"""A real training process, killed at 25 instants, ends as one that was left alone.

Starting a process costs seconds (it imports PyTorch), so the kills come in chains: a run is killed,
resumed, killed again, until it is done; then the next run begins. About half of the kills aim at a
save: the test watches for the folder in which a checkpoint is being written and kills a moment
later, at a seeded instant that may fall into the writing, the renames or the removal of the oldest.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_runs import assert_same_run

KILLS = 25
OPTIONS = {
    "steps": 12,
    "checkpoint-every": 2,
    "questions-per-step": 2,
    "n-votes": 4,
    "max-tokens": 32,
    "learning-rate": 1e-3,
    "eval-k": 2,
    "env-options": "size=5",
}
TIMEOUT = 120.0


def start(*arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ttrl_agents", "train", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def new_run(folder: Path) -> subprocess.Popen[bytes]:
    words = [word for name, value in OPTIONS.items() for word in (f"--{name}", value)]
    return start("--output", folder, *words)


def go_on(folder: Path) -> subprocess.Popen[bytes]:
    # Killed before it wrote even its options, a run begins anew.
    if (folder / "config.json").is_file():
        return start("--resume", folder)
    return new_run(folder)


def wait_until(happened, process: subprocess.Popen[bytes]) -> bool:
    """Whether it happened while the process lived."""
    deadline = time.monotonic() + TIMEOUT
    while process.poll() is None:
        if happened():
            return True
        assert time.monotonic() < deadline, "the run neither went on nor ended"
        time.sleep(0.0005)
    return False


def stamp(folder: Path) -> int:
    """Changes with everything that a run writes first: its options, and the lines of its steps."""
    return sum(
        path.stat().st_mtime_ns
        for name in ("config.json", "metrics.jsonl")
        if (path := folder / name).exists()
    )


def saving(folder: Path) -> bool:
    return (
        any((folder / "checkpoints").glob(".step-*.tmp")) or (folder / ".checkpoint.tmp").exists()
    )


def leftovers(folder: Path) -> set[str]:
    """What a kill in the midst of a save leaves: folders aside, being replaced, being removed."""
    found = [*(folder / "checkpoints").glob(".*"), *folder.glob(".checkpoint.*")]
    return {path.suffix for path in found}


def kill(
    process: subprocess.Popen[bytes],
    folder: Path,
    rng: random.Random,
    duration: float,
    *,
    at_a_save: bool,
) -> bool:
    """Kills a run at a seeded instant; whether it was still there to be killed."""
    before = stamp(folder)
    if not wait_until(lambda: stamp(folder) != before, process):
        return False
    time.sleep(rng.random() * duration / 3)
    if at_a_save:
        wait_until(lambda: saving(folder), process)
        time.sleep(rng.random() * 0.03)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=TIMEOUT)
    return process.returncode == -signal.SIGKILL


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, errors.decode()


@pytest.mark.slow
def test_a_run_killed_at_any_instant_ends_in_the_same_weights_and_metrics(tmp_path):
    rng = random.Random(20)
    whole = tmp_path / "whole"
    process = new_run(whole)
    assert wait_until(lambda: stamp(whole), process)
    began = time.monotonic()
    finish(process)
    duration = time.monotonic() - began

    kills, inside_saves, runs = 0, 0, 0
    while kills < KILLS:
        runs += 1
        folder = tmp_path / f"run-{runs}"
        while not (folder / "summary.json").is_file():
            process = go_on(folder)
            if kills < KILLS and kill(process, folder, rng, duration, at_a_save=kills % 2 == 1):
                kills += 1
                inside_saves += bool(leftovers(folder))
            else:
                finish(process)
        assert_same_run(whole, folder)
    print(f"{kills} kills over {runs} runs, {inside_saves} of them inside a save")  # noqa: T201
    assert inside_saves >= 5
