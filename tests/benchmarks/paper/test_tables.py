"""The generated tables of the README and of docs/controls.md, and the scripts that print them."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from ttrl_agents.config import TrainConfig
from ttrl_agents.evaluate import EvaluationFolder
from ttrl_agents.evaluate.fingerprint import weights_digest
from ttrl_agents.policy import load_policy

REPOSITORY = Path(__file__).parents[3]
SMALL = TrainConfig(
    steps=1,
    questions_per_step=2,
    n_votes=4,
    max_tokens=48,
    eval_k=2,
    env_options={"size": 10},
)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch):
    """Imports a script as it is when it is run: with its folder first on the path."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks" / "paper"))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name in ("leakage", "main_table", "runs"):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "block", "results"),
    [("main_table", "main table", "main"), ("leakage", "controls", "controls")],
)
def test_the_page_has_the_table_of_the_stored_results(script, name, block, results) -> None:
    module: ModuleType = script(name)
    stored = json.loads((REPOSITORY / f"docs/results/{results}.json").read_text())
    page = module.PAGE.read_text(encoding="utf-8")
    assert script("runs").with_block(page, block, module.table(stored)) == page
    assert stored["model"] == "tiny"
    assert stored["steps"] == TrainConfig().steps
    shipped = weights_digest(load_policy("tiny", device="cpu"))
    assert stored["weights"] == shipped, "made with another tiny: train again, and --write"


def test_a_page_without_the_block_is_not_touched(script) -> None:
    with pytest.raises(ValueError, match="has no block 'main table'"):
        script("runs").with_block("# A page", "main table", "text")


def test_runs_of_different_checkpoints_do_not_make_one_table(script, tmp_path: Path) -> None:
    runs = script("runs")
    configs = [replace(SMALL, seed=seed, output=tmp_path / str(seed)) for seed in (0, 1)]
    for config, weights in zip(configs, ("aaaa", "bbbb"), strict=True):
        folder = EvaluationFolder(config.output / "evaluations" / "before" / "train")
        sampling = {"benchmark": "b", "k": 1, "temperature": 0.6, "top_p": 0.95}
        folder.begin(sampling | {"weights": weights}, [])
    assert runs.initial_weights(configs[:1]) == "aaaa"
    with pytest.raises(ValueError, match=r"different weights \(aaaa, bbbb\)"):
        runs.initial_weights(configs)


@pytest.mark.slow
def test_the_controls_are_trained_resumed_and_tabled(script, tmp_path: Path) -> None:
    leakage = script("leakage")
    train = replace(SMALL, eval_temperatures=(0.6, 0.0))
    options = leakage.Options(("oracle", "random"), (0, 1), 1, tmp_path, False, train)
    configs = [options.config(reward, seed) for seed in (0, 1) for reward in options.rewards]
    script("runs").train_all(configs, 1, Console(quiet=True))
    results = leakage.collect(options)
    for column in (*results["before"], *results["after"]["random"]):
        low, high = column["ci95"]
        assert low <= column["mean"] <= high
        assert column["mean"] == pytest.approx(sum(column["seeds"]) / 2, abs=1e-4)
    names = [column["column"] for column in results["before"]]
    assert names[0] == "mean@2, trained"
    assert names[-1] == "greedy, held-out"
    assert "| `random`: a coin | " in leakage.table(results)
    leakage.draw(results, tmp_path / "controls.png")
    assert (tmp_path / "controls.png").stat().st_size > 10_000
    # What is complete is read: a damaged setting would fail if it were trained again.
    script("runs").train_all(
        [replace(each, steps=10**6) for each in configs], 1, Console(quiet=True)
    )


@pytest.mark.slow
def test_the_main_table_has_every_temperature_and_every_seed(script, tmp_path: Path) -> None:
    main_table = script("main_table")
    options = main_table.Options((0, 1), 1, tmp_path, False, SMALL)
    configs = [options.config(seed) for seed in (0, 1)]
    script("runs").train_all(configs, 1, Console(quiet=True))
    results = main_table.collect(options)
    assert results["weights"] == weights_digest(load_policy("tiny", device="cpu"))
    text = main_table.table(results)
    for row in ("| mean@2 | ", "| greedy | ", "| mean@2, T 1, top-p 1 | ", "| 0 | ", "| 1 | "):
        assert f"\n{row}" in text
    assert "at T 0.6 and top-p 0.95" in text
    assert "turned from wrong to right" in text
