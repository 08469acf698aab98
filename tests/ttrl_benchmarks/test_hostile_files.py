"""Files of questions made at random: each is loaded, or is an error in one printable sentence."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import pytest
from hostile_files import hostile_file

from ttrl_benchmarks import BenchmarkError, load_benchmark


@pytest.mark.parametrize("part", range(10))
def test_a_hostile_file_does_nothing_but_load_or_complain(part: int, tmp_path: Path) -> None:
    loaded = 0
    for seed in range(60 * part, 60 * part + 60):
        rng = random.Random(seed)
        path = hostile_file(tmp_path, rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                benchmark = load_benchmark(
                    "questions", path=path, duplicates=rng.choice(["error", "drop", "keep"])
                )
            except BenchmarkError as error:
                assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
            else:
                loaded += 1
                for question in benchmark.questions:
                    prompt = benchmark.prompt(question)
                    assert prompt.encode().decode() == prompt
    assert loaded >= 10
