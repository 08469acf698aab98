"""The measurement of Stable-Baselines3: each run is made once, and the table is of them all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

QUIET = Console(quiet=True)


@pytest.fixture
def sb3(script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The script, in a repository of its own, with runs that take no time."""
    module, pages = script("sb3"), script("pages")
    monkeypatch.setattr(pages, "REPOSITORY", tmp_path)
    (tmp_path / "docs").mkdir()
    page = tmp_path / "page.md"
    page.write_text("<!-- begin: sb3 -->\n<!-- end: sb3 -->\n")
    monkeypatch.setattr(module, "PAGE", page)
    made = []

    def run(command: list[str], **_: object) -> None:
        given = dict(zip(command[2::2], command[3::2], strict=True))
        made.append((given["--algorithm"], int(given["--seed"]), int(given["--updates"])))
        after = 0.5 + 0.1 * int(given["--seed"])
        scores = {
            when: {name: [mean, mean - 0.1, mean + 0.1] for name in module.COLUMNS.values()}
            for when, mean in (("before", 0.25), ("after", after))
        }
        Path(given["--json"]).write_text(json.dumps(scores))

    monkeypatch.setattr(module.subprocess, "run", run)
    module.made = made
    return module


def test_the_table_has_every_algorithm_and_seed_and_what_is_kept_is_not_run_again(sb3, tmp_path):
    options = sb3.Options(seeds=(0, 1), output=tmp_path / "runs", write=True)
    sb3.main(options)
    assert sb3.made == [("a2c", 0, 100), ("ppo", 0, 100), ("a2c", 1, 100), ("ppo", 1, 100)]
    page = sb3.PAGE.read_text(encoding="utf-8")
    assert "| A2C | 1 | 0.250 → **0.600** [0.50, 0.70] | " in page
    assert "| PPO, two epochs | 0 | 0.250 → **0.500** [0.40, 0.60] | " in page
    assert "T 0.6, top-p 0.95" in page
    sb3.made.clear()
    elsewhere = sb3.Options(seeds=(0, 1, 2), output=tmp_path / "elsewhere")
    assert set(sb3.collect(elsewhere, QUIET)["runs"]["a2c"]) == {"0", "1", "2"}
    assert sb3.made == [("a2c", 2, 100), ("ppo", 2, 100)]


def test_results_of_another_number_of_updates_are_not_used(sb3, tmp_path) -> None:
    sb3.main(sb3.Options(("a2c",), (0,), output=tmp_path / "runs", write=True))
    shorter = sb3.Options(("a2c",), (1,), updates=10, output=tmp_path / "runs")
    assert set(sb3.collect(shorter, QUIET)["runs"]["a2c"]) == {"1"}
