"""The comparisons of controls, rewards and algorithms: what is kept, and what is run again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from rich.console import Console

from ttrl_agents.config import TrainConfig
from ttrl_agents.config.algorithms import ALGORITHMS
from ttrl_agents.evaluate.fingerprint import weights_digest
from ttrl_agents.policy import load_policy
from ttrl_env.consensus import REWARDS

SMALL = TrainConfig(
    steps=1,
    questions_per_step=2,
    n_votes=4,
    max_tokens=48,
    eval_k=2,
    eval_temperatures=(0.6, 0.0),
    env_options={"size": 10},
)
QUIET = Console(quiet=True)


@pytest.fixture
def repository(script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its own, for the files that a comparison writes."""
    folder = tmp_path / "repository"
    (folder / "docs" / "images").mkdir(parents=True)
    monkeypatch.setattr(script("pages"), "REPOSITORY", folder)
    return folder


def kept(train: list[int], votes: list[int]) -> dict:
    """What is kept of an evaluation of four questions with two completions each."""
    sampled = {"right": train, "vote": votes}
    greedy = {"right": [1, 0, 0, 0]}
    return {
        "train": sampled,
        "held_out": sampled,
        "greedy/train": greedy,
        "greedy/held_out": greedy,
    }


def results_of(options, rows: dict[str, list[list[int]]], weights: str = "none") -> dict:
    runs = {
        name: {
            str(seed): {
                "alarms": [[12, "kl"]] if seed else [],
                "skipped": seed,
                "after": kept(right, [int(count == 2) for count in right]),
            }
            for seed, right in enumerate(seeds)
        }
        for name, seeds in rows.items()
    }
    before = {str(seed): kept([0, 0, 0, 1], [0, 0, 0, 0]) for seed in (0, 1)}
    return {
        "command": f"python {options.script}",
        "weights": weights,
        "options": json.loads(json.dumps(options.options())),
        "before": before,
        "runs": runs,
    }


def test_the_table_has_means_intervals_and_ranges_of_every_column(script) -> None:
    rewards: ModuleType = script("rewards")
    options = rewards.Options(train=SMALL)
    results = results_of(
        options, {"majority": [[2, 2, 2, 2], [2, 2, 0, 0]], "random": [[1, 0, 0, 0], [0, 0, 0, 0]]}
    )
    interval, seeds = script("comparison").measure_column(results, "majority", rewards.COLUMNS[0])
    assert interval.mean == np.mean(seeds) == 0.75
    assert seeds == [1.0, 0.5]
    # Questions are 1, 1, 0.5 and 0.5, so no resample leaves that range.
    assert 0.5 <= interval.low <= 0.75 <= interval.high <= 1
    text = rewards.table(results)
    head, _, before, majority, random, _, legend = text.splitlines()
    assert head.startswith("| reward | mean@2, trained | mean@2, held-out | maj@2, held-out |")
    assert before.startswith("| before training | 0.125 | 0.125 | 0.000 | 0.250 | 0.250 |")
    assert majority.startswith("| `majority` (votes) | 0.750 [")
    assert "<br>0.50 to 1.00 | " in majority
    assert majority.endswith(" | 1 of 2 |")
    assert random.startswith("| `random` (controls) | 0.062 [")
    assert "T 0.6, top-p 0.95" in legend
    assert "benchmarks/paper/rewards.py" in legend


def test_a_row_with_fewer_seeds_says_which(script) -> None:
    algorithms = script("algorithms")
    options = algorithms.Options(train=SMALL)
    results = results_of(options, {"ppo": [[2, 2, 2, 2]], "grpo": [[2, 2, 2, 2], [2, 2, 0, 0]]})
    *_, grpo, ppo, _, legend = algorithms.table(results).splitlines()
    assert grpo.startswith("| `grpo` | 0.750")  # in the order of the algorithms
    assert grpo.endswith(" | 1 of 2 | 1 |")
    assert ppo.startswith("| `ppo`, seed 0 | 1.000 [1.00, 1.00] |")
    assert "seeds 0, 1;" in legend


def test_rewards_that_need_labels_are_drawn_apart_and_the_highest_first(script, tmp_path) -> None:
    rewards = script("rewards")
    options = rewards.Options(train=SMALL)
    rows = {
        "soft_majority": [[1, 0, 0, 0]],
        "held(every=2)": [[2, 0, 0, 0]],
        "oracle": [[2, 2, 2, 2]],
        "majority": [[2, 2, 2, 0]],
    }
    results = results_of(options, rows)
    groups = rewards.groups_of(results)
    assert [(group.heading, group.names, group.needs_labels) for group in groups] == [
        ("needs labels", ("oracle",), True),
        ("votes", ("majority", "soft_majority"), False),
        ("around another", ("held(every=2)",), False),
    ]
    rewards.draw(results, tmp_path / "rewards.png")
    assert (tmp_path / "rewards.png").stat().st_size > 10_000


def test_every_reward_and_every_algorithm_is_compared(script, tmp_path: Path) -> None:
    options = script("rewards").Options(output=tmp_path)
    assert options.names == tuple(REWARDS)
    assert options.config("self_harmony", 1).rephrase == "arithmetic"
    assert options.config("majority", 1).rephrase is None
    folder = options.config("held(inner=scrl, every=2)", 3).output
    assert folder == tmp_path / "held-inner=scrl-every=2-seed3"
    assert script("algorithms").Options().names == tuple(ALGORITHMS)
    with pytest.raises(SystemExit, match="nothing_of_the_kind"):
        script("rewards").Options(rewards=("nothing_of_the_kind",))
    with pytest.raises(SystemExit, match="there must be a seed"):
        script("rewards").Options(seeds=())


def test_results_that_are_kept_are_not_trained_again(script, repository, tmp_path) -> None:
    comparison, leakage, pages = map(script, ("comparison", "leakage", "pages"))
    options = leakage.Options(seeds=(0,), output=tmp_path / "runs", write=True)
    shipped = weights_digest(load_policy("tiny", device="cpu"))
    names = leakage.REWARDS
    results = results_of(options, {name: [[2, 2, 0, 0]] for name in names}, shipped)
    path = pages.results_path(options.block)
    path.parent.mkdir()
    path.write_text(pages.to_json(results))
    assert comparison.compare(options, QUIET) == results
    assert not options.folder.exists()
    assert comparison.kept_results(replace(options, again=True), QUIET)["runs"] == {}


def test_results_of_other_options_or_weights_are_not_used(script, repository, capsys) -> None:
    comparison, algorithms, pages = map(script, ("comparison", "algorithms", "pages"))
    console = Console(width=200)
    options = algorithms.Options(algorithms=())
    results = results_of(options, {"grpo": [[2, 2, 2, 2]]})
    path = pages.results_path(options.block)
    path.parent.mkdir()
    path.write_text(pages.to_json(results))
    longer = replace(options, train=replace(options.train, steps=7))
    assert comparison.kept_results(longer, console)["runs"] == {}
    said = capsys.readouterr().out
    assert "algorithms.json is not used: steps is 7, was 100; tiny has other weights." in said


@pytest.mark.slow
def test_a_comparison_is_trained_written_and_goes_on_where_it_was(
    script, repository, tmp_path: Path
) -> None:
    comparison, rewards, pages = map(script, ("comparison", "rewards", "pages"))
    page = repository / "page.md"
    page.write_text("# Rewards\n\n<!-- begin: rewards -->\n<!-- end: rewards -->\n")
    rewards.Options.page = page
    options = rewards.Options(
        seeds=(0,), output=tmp_path / "runs", write=True, train=SMALL, rewards=("co_rewarding",)
    )
    rewards.main(options)
    assert "| `co_rewarding` (second opinion) | " in page.read_text()
    assert (repository / "docs/images/rewards.png").stat().st_size > 10_000
    stored = json.loads(pages.results_path("rewards").read_text())
    assert stored["weights"] == weights_digest(load_policy("tiny", device="cpu"))
    assert set(stored["runs"]["co_rewarding"]["0"]["after"]) == set(comparison.KEPT)
    # Another reward and another seed join; what is kept stays as it is.
    more = replace(options, seeds=(0, 1), rewards=("co_rewarding", "scrl"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*-seed0/*.json*")}
    rewards.main(more)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    joined = json.loads(pages.results_path("rewards").read_text())
    assert joined["runs"]["co_rewarding"]["0"] == stored["runs"]["co_rewarding"]["0"]
    assert {name: sorted(rows) for name, rows in joined["runs"].items()} == {
        "co_rewarding": ["0", "1"],
        "scrl": ["0", "1"],
    }
    assert "| `scrl` (votes) | " in page.read_text()
