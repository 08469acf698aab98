"""The tables of the speed measurements, from made-up results."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a script with its folder, and what all scripts share, first on the path."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.syspath_prepend(str(BENCHMARKS / "speed"))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name in ("pages", "sampling", "sb3_tokens", "train_step"):
            del sys.modules[name]


def test_a_step_is_tabled_beside_that_of_trl(script) -> None:
    pytest.importorskip("trl")
    train_step = script("train_step")
    options = train_step.Options(questions=2, votes=4, steps=3)
    steps = {
        "ours": [train_step.Step(seconds, 80, (0.25, 0.05, 0.1), 40) for seconds in (1, 2, 3)],
        "TRL": [train_step.Step(4.0, 80)] * 3,
    }
    results = {
        "command": "python benchmarks/speed/train_step.py --steps 3",
        "model": "tiny",
        "device": "cpu",
        "threads": 2,
        "questions": 2,
        "votes": 4,
        "max_tokens": 64,
        "steps": 3,
        **train_step.summarize_steps(options, steps),
        "sampling": {"ours": 1000.0, "generate, static cache": 500.0},
    }
    text = train_step.table(results)
    assert "| ours | 2.00 | 4.0 | 40 | 10 |" in text  # 8 completions in 2 s, 240 tokens in 6 s
    assert "| TRL | 4.00 | 2.0 | 20 | 10 |" in text
    assert "| generate, static cache | 500 | 2.00 |" in text
    assert "sampling takes 0.25 s (320 tokens/s)" in text
    assert "2 threads" in text
    assert "python benchmarks/speed/train_step.py --steps 3" in text


def test_samplers_are_tabled_with_their_ratio(script) -> None:
    results = {
        "command": "python benchmarks/speed/sampling.py",
        "model": "tiny",
        "device": "cpu",
        "threads": 1,
        "rows": [{"completions": 128, "transformers": 2000.0, "vllm": 1000.0}],
        "sync_seconds": 0.016,
        "tensors_compared": 5,
        "tensors_packed": 2,
        "log_prob_gap": {"mean": 1e-7, "largest": 4.3e-6, "tokens": 900},
    }
    text = script("sampling").table(results)
    assert "| 128 | 2,000 | 1,000 | 0.50 |" in text
    assert "in 16 ms (5 tensors compared, 2 packed by the engine)" in text
    assert "4.3e-06 at most, over 900 tokens at T 1" in text


def test_what_stable_baselines_reads_is_tabled(script) -> None:
    pytest.importorskip("stable_baselines3")
    results = {
        "command": "python benchmarks/speed/sb3_tokens.py",
        "model": "tiny",
        "completions": 128,
        "written": 4220,
        "rows": [["acting, every prefix read again", 246093, None], ["acting", 4962, 0.666]],
    }
    text = script("sb3_tokens").table(results)
    assert "| acting, every prefix read again | 246,093 |  |" in text
    assert "| acting | 4,962 | 0.67 |" in text
    assert "128 completions, 4,220 tokens written" in text


def test_the_command_of_a_table_leaves_out_that_it_is_written(script, monkeypatch) -> None:
    pages = script("pages")
    path = str(BENCHMARKS / "speed" / "train_step.py")
    monkeypatch.setattr(sys, "argv", [path, "--model", "tiny noisy", "--write"])
    assert pages.command_line() == "python benchmarks/speed/train_step.py --model 'tiny noisy'"
