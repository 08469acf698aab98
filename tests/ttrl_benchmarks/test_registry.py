"""Every benchmark by name: cards, lists, and what a wrong name is told."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ttrl_benchmarks import (
    PAPER_INSTRUCTION,
    BenchmarkError,
    UnknownNameError,
    benchmark_card,
    list_benchmarks,
    load_benchmark,
)
from ttrl_benchmarks.entries import BENCHMARKS

NAMES = [row.name for row in list_benchmarks()]


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))


def test_published_benchmarks_come_first() -> None:
    assert NAMES[0] == "aime24"
    assert NAMES[-3:] == ["arithmetic", "questions", "reasoning-gym"]


@pytest.mark.parametrize("name", NAMES)
def test_every_card_is_whole(name: str) -> None:
    card = benchmark_card(name)
    assert card.name == name
    assert card.title
    assert card.licence
    assert card.source
    assert card.instruction == PAPER_INSTRUCTION
    assert card.instruction.startswith("\nPlease")
    if card.hub is None:
        assert card.size is None
        return
    assert card.size is not None
    assert card.citation
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", card.hub.repo_id)
    assert re.fullmatch(r"[0-9a-f]{40}", card.hub.revision)
    assert re.fullmatch(r"[0-9a-f]{64}", card.hub.sha256)


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_says_the_same(name: str) -> None:
    card = benchmark_card(name)
    page = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    family = re.sub(r"-l\d$", "", name)
    assert f"`{family}`" in page
    if family == name:  # of the levels, the page names the first and the last
        assert f"`{card.env_id}`" in page
    if card.hub is not None:
        pinned = (card.hub.revision, card.hub.filename, card.hub.sha256)
        assert f"| `{family}` | " + " | ".join(f"`{part}`" for part in pinned) + " |" in page


def test_a_list_says_what_is_at_hand(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    rows = {row.name: row for row in list_benchmarks()}
    published = {name for name, row in rows.items() if row.needs_download}
    assert set(NAMES) - published == {"arithmetic", "questions", "reasoning-gym"}
    assert not any(rows[name].cached for name in published)
    assert all(rows[name].cached for name in set(NAMES) - published)
    monkeypatch.setenv("TTRL_DATA_DIR", str(data_dir))
    rows = {row.name: row for row in list_benchmarks()}
    assert rows["aime24"].file == data_dir / "AIME-TTT.json"
    assert rows["math500-l4"].file == data_dir / "MATH-L4-TTT.json"
    assert {name for name, row in rows.items() if not row.cached} == {"aime25", "gpqa"}


def test_names_come_in_any_case_and_wrong_ones_name_the_right_ones(data_dir: Path) -> None:
    assert len(load_benchmark("AIME24", path=data_dir)) == 30
    with pytest.raises(UnknownNameError, match=r"Unknown benchmark 'aime2024'.*'aime24'"):
        load_benchmark("aime2024")
    with pytest.raises(UnknownNameError, match=r"Unknown benchmark 'math-500'.*'math500'"):
        benchmark_card("math-500")


def test_the_level_of_a_level_is_no_option(data_dir: Path) -> None:
    with pytest.raises(UnknownNameError, match="option of benchmark 'math500-l2' 'level'"):
        load_benchmark("math500-l2", path=data_dir, level=3)
    assert len(load_benchmark("math500", path=data_dir, level=2)) == 90


@pytest.mark.parametrize("name", NAMES)
def test_options_that_a_name_sets_are_those_of_its_loader(name: str) -> None:
    entry = BENCHMARKS[name]
    assert set(entry.options) <= set(inspect.signature(entry.load).parameters)
    assert ("level" in entry.options) == (name.rpartition("-")[2] in {"l1", "l2", "l3", "l4", "l5"})


def output_of(code: str, *arguments: str) -> str:
    """Returns what a fresh interpreter prints."""
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_importing_loads_nothing_heavy() -> None:
    code = (
        "import sys, ttrl_benchmarks; ttrl_benchmarks.benchmark_card('aime24'); "
        "print(sorted({'huggingface_hub', 'pyarrow', 'reasoning_gym', 'torch', 'transformers', "
        "'gymnasium', 'ttrl_env', 'ttrl_agents'} & set(sys.modules)))"
    )
    assert output_of(code) == "[]"


def test_reading_a_file_at_hand_needs_no_client(data_dir: Path) -> None:
    code = (
        "import sys; from ttrl_benchmarks import load_benchmark; "
        "load_benchmark('math500', path=sys.argv[1]); print('huggingface_hub' in sys.modules)"
    )
    assert output_of(code, str(data_dir)) == "False"


def test_a_benchmark_without_a_publisher_cannot_be_found_by_itself() -> None:
    with pytest.raises(BenchmarkError, match="needs path="):
        load_benchmark("questions")
