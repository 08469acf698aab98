"""A reward and a benchmark from one new file each, used from the command line by entry points."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REWARD = '''
"""Brief answers."""

from ttrl_env.consensus import Ballot, Verdict


class Brief:
    """Rewards completions that are brief.

    Args:
        longest: Longer completions get nothing.
    """

    needs_verifier = True

    def __init__(self, longest: int = 40, benchmark=None):
        self.longest = longest
        print(f"asked with {benchmark.labels!r}")

    def __call__(self, ballot: Ballot) -> Verdict:
        return Verdict((ballot.lengths <= self.longest) * 1.0, None)
'''

BENCHMARK = '''
"""Sums of two small numbers."""

from ttrl_benchmarks import Benchmark, BenchmarkCard, Question, SealedLabels, register_benchmark

CARD = BenchmarkCard(
    name="tiny-sums", title="Tiny sums", env_id="Others/TinySums-v0", answer_format="integer"
)


def load(size: int = 4) -> Benchmark:
    """Makes the sums."""
    questions = tuple(Question(f"s{i}", f"What is {i} plus 1?") for i in range(size))
    labels = SealedLabels({f"s{i}": str(i + 1) for i in range(size)})
    return Benchmark("tiny-sums", questions, labels, "integer", "\\nPut the answer in \\\\boxed{}.")


register_benchmark(CARD, load)
'''

ENTRY_POINTS = """
[ttrl_env.estimators]
brief = brief_reward:Brief

[ttrl_env.benchmarks]
tiny-sums = tiny_sums
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with both files, installed as far as Python can tell."""
    folder = tmp_path / "site"
    metadata = folder / "others-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "brief_reward.py").write_text(REWARD)
    (folder / "tiny_sums.py").write_text(BENCHMARK)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


def ttrl(site: Path, *arguments: str) -> str:
    """What a command prints, in a process that finds the folder on its path."""
    run = subprocess.run(
        [sys.executable, "-m", "ttrl_agents", *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(site), *sys.path]),
            "COLUMNS": "160",
        },
        cwd=site,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_both_are_listed_with_where_they_come_from(site: Path) -> None:
    (row,) = [line for line in ttrl(site, "rewards").splitlines() if line.startswith("brief ")]
    assert "Rewards completions that are brief (from others)" in row
    assert row.rstrip().endswith("verifier")
    assert "options: longest=40" in ttrl(site, "rewards", "brief")
    listed = ttrl(site, "benchmarks").splitlines()
    (row,) = [line for line in listed if line.startswith("tiny-sums")]
    assert "Others/TinySums-v0" in row


@pytest.mark.slow
def test_both_train_from_the_command_line_and_no_label_is_handed_out(site: Path) -> None:
    printed = ttrl(
        site,
        *("train", "--env", "Others/TinySums-v0", "--reward", "brief(longest=30)"),
        *("--env-options", "size=6", "--steps", "1", "--questions-per-step", "2"),
        *("--n-votes", "4", "--n-train", "4", "--max-tokens", "24", "--output", "run"),
    )
    assert "asked with <0 sealed labels>" in printed
    assert (site / "run" / "metrics.jsonl").read_text().count("\n") == 1
