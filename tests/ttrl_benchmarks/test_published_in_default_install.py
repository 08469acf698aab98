"""The published benchmarks by download, offline and by path, as CI checks them from the wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_every_published_benchmark_votes_by_download_offline_and_by_path() -> None:
    paths = [str(REPOSITORY / "tests/helpers"), *sys.path]
    run = subprocess.run(
        [sys.executable, str(REPOSITORY / ".ci/published_benchmarks.py")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert [line.split(":")[0] for line in run.stdout.splitlines()] == [
        "TTRL-AIME24-v0",
        "TTRL-AIME25-v0",
        "TTRL-AMC-v0",
        "TTRL-MATH500-v0",
        "TTRL-GPQA-v0",
    ]
