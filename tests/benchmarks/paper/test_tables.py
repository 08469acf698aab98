"""The generated tables of the README and the docs: they are those of the stored results."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from paper_twins import TWINS
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


RESULTS = REPOSITORY / "docs" / "results"
TRAINED = {  # the script of each file of results
    "main": "main_table",
    "controls": "leakage",
    "rewards": "rewards",
    "algorithms": "algorithms",
    "collapse": "collapse",
    "sharpening": "sharpening",
    "sb3": "sb3",
    "probe": "probe",
}
PRETRAINED = ("real_model", "real_tasks")
TIMED = ("train_step", "sampling", "sb3_tokens")
STORED = sorted(path.stem for path in RESULTS.glob("*.json"))


def test_every_file_of_results_has_a_script() -> None:
    assert set(STORED) <= {*TRAINED, *PRETRAINED, *TIMED, *TWINS}
    assert set(STORED) >= {"main", "controls", "rewards", "algorithms", "collapse", *TWINS}


@pytest.mark.parametrize("results", STORED)
def test_the_page_has_the_table_of_the_stored_results(script, monkeypatch, results) -> None:
    if results in TIMED:
        for package in ("stable_baselines3", "trl"):
            pytest.importorskip(package)
        monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks" / "speed"))
    module: ModuleType = script(TRAINED.get(results, results))
    stored = json.loads((RESULTS / f"{results}.json").read_text(encoding="utf-8"))
    place: Path = module.Options.page if results in TWINS else module.PAGE
    page = place.read_text(encoding="utf-8")
    assert script("pages").with_block(page, results, module.table(stored)) == page


@pytest.mark.parametrize("results", [name for name in STORED if name in TRAINED])
def test_the_stored_results_are_those_of_the_shipped_model_and_the_default_steps(results) -> None:
    stored = json.loads((RESULTS / f"{results}.json").read_text(encoding="utf-8"))
    options = stored.get("options", stored)
    model = "tiny-noisy" if results == "sharpening" else "tiny"
    assert options.get("model", model) == model  # it may differ from run to run
    assert options.get("steps", TrainConfig().steps) == TrainConfig().steps
    shipped = weights_digest(load_policy(model, device="cpu"))
    assert stored["weights"] == shipped, f"made with another {model}: train again, and --write"


@pytest.mark.parametrize("results", TWINS)
def test_the_stored_rows_of_the_twins_are_those_of_their_plans_and_models(script, results) -> None:
    stored = json.loads((RESULTS / f"{results}.json").read_text(encoding="utf-8"))
    twin = script(results).Options()
    assert stored["options"] == json.loads(json.dumps(twin.options()))
    assert stored["weights"] == twin.weights(), "made with other models: make it again, and --write"
    assert stored["runs"]
    for name, rows in stored["runs"].items():
        assert all(twin.holds(stored, name, int(seed)) for seed in rows)
    assert (REPOSITORY / "docs" / "images" / f"{results}.png").is_file()


@pytest.mark.parametrize("results", [*TRAINED, *PRETRAINED, *TIMED, *TWINS])
def test_every_page_has_the_markers_of_its_table(results) -> None:
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
    marked = [
        page.name for page in pages if f"<!-- begin: {results} -->" in page.read_text("utf-8")
    ]
    assert len(marked) == 1


def test_a_page_without_the_block_is_not_touched(script) -> None:
    with pytest.raises(ValueError, match="has no block 'main'"):
        script("pages").with_block("# A page", "main", "text")


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
