"""The twins of the paper: tables and pictures of all, runs that are shared, and what is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from paper_twins import TWINS

from ttrl_agents.config import TrainConfig
from ttrl_env.answers import extract_answer

QUESTIONS, K = 4, 8


@pytest.fixture
def repository(script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its own, for the files that a twin writes."""
    folder = tmp_path / "repository"
    (folder / "docs" / "images").mkdir(parents=True)
    monkeypatch.setattr(script("pages"), "REPOSITORY", folder)
    return folder


def made_up(twin: Any, seeds: tuple[int, ...] = (0, 1)) -> dict[str, Any]:
    """What a twin would keep of four questions, of which more are right after training."""
    rng = np.random.default_rng(0)

    def measured(measure: Any) -> dict[str, Any]:
        right = [0, 2, 4, 6] if measure.step == 0 else [0, 6, 8, 8]
        vote = [0, 0, 1, 1] if measure.step == 0 else [0, 1, 1, 1]
        kept = {"k": K, "right": right, "vote": vote, "share": [0.5] * 4, "tokens": 20.0}
        groups = {str(size): [0.0, 0.5, 1.0, 1.0] for size in measure.sizes}
        return kept | ({"groups": groups} if groups else {})

    runs = {
        name: {
            str(seed): {
                "plan": twin.plan_key(name),
                "alarms": [],
                "series": {
                    metric: rng.random(twin.config(name, seed).steps).round(4).tolist()
                    for metric in (*twin.series, "paid_wrongly")
                },
                "measured": {each.label: measured(each) for each in plan.measured},
            }
            for seed in seeds
        }
        for name, plan in twin.plans.items()
    }
    return {
        "command": f"python {twin.script}",
        "weights": twin.weights(),
        "options": json.loads(json.dumps(twin.options())),
        "before": {},
        "runs": runs,
    }


@pytest.mark.parametrize("name", TWINS)
def test_every_twin_has_a_table_and_a_picture_with_fewer_seeds_too(script, tmp_path, name) -> None:
    module = script(name)
    twin = module.Options(output=tmp_path)
    results = made_up(twin)
    text = module.table(results)
    heads = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert len(heads) >= 3
    assert all(count == text.count("\n") or count > 2 for count in heads)
    assert "T 0.6, top-p 0.95" in text
    assert "seeds 0, 1" in text
    assert f"`python benchmarks/paper/{name}.py`" in text
    assert "nan" not in text
    module.draw(results, tmp_path / "whole.png")
    assert (tmp_path / "whole.png").stat().st_size > 10_000
    # A run that is missing leaves its place out, and one with fewer seeds says which it has.
    last = list(results["runs"])[-1]
    del results["runs"][last]["1"]
    assert "seed 0" in module.table(results)
    del results["runs"][last]
    assert len(module.table(results)) < len(text)
    module.draw(results, tmp_path / "less.png")


@pytest.mark.parametrize("name", TWINS)
def test_every_twin_has_three_seeds_its_controls_and_its_place_in_the_page(script, name) -> None:
    module = script(name)
    twin = module.Options()
    rewards = {twin.config(each, 0).reward for each in twin.names}
    assert rewards >= {"majority", "random", "format_only"}
    assert len(twin.seeds) >= 3
    assert twin.block == name
    page = script("twins").PAGE.read_text(encoding="utf-8")
    assert page.count(f"<!-- begin: {name} -->") == 1
    assert f"](images/{name}.png)" in page
    assert sorted(script("everything").TWINS) == TWINS


def test_runs_that_several_twins_need_are_the_same(script, tmp_path) -> None:
    def folder_of(name: str, row: str) -> Path:
        return script(name).Options(output=tmp_path).config(row, 2).output

    standard = folder_of("table1", "tiny arithmetic majority")
    for name, row in (
        ("figure3", "arithmetic majority"),
        ("figure4", "grpo"),
        ("figure5", "majority"),
        ("figure6", "tiny majority"),
        ("figure7", "majority"),
        ("votes", "16"),
        ("budget", "majority 4x16"),
        ("spread", "majority"),
    ):
        assert folder_of(name, row) == standard
    assert folder_of("figure8", "majority") == folder_of("failures", "as it should be")
    assert folder_of("table3", "level-5 majority") == folder_of("failures", "stronger prior")
    others = [folder_of("votes", "8"), folder_of("votes", "32"), folder_of("votes", "32/16")]
    assert len({standard, *others}) == 4


def test_controls_have_no_pseudo_labels_and_untrained_steps_no_entropy(script, tmp_path) -> None:
    module = script("failures")
    results = made_up(module.Options(output=tmp_path), seeds=(0,))
    steps = results["runs"]["format_only"]["0"]["series"]["entropy"]
    steps[:] = [None] * (len(steps) - 1) + [0.25]
    assert module.ends_of(results, "format_only", "label_accuracy") == "-"
    assert module.ends_of(results, "format_only", "entropy") == "- → 0.25"
    assert "nan" not in module.table(results)


def test_rows_of_another_plan_are_made_again(script, tmp_path) -> None:
    module = script("figure7")
    twin = module.Options(output=tmp_path)
    results = made_up(twin, seeds=(0,))
    assert twin.holds(results, "oracle", 0)
    assert not twin.holds(results, "oracle", 1)
    for other in (
        replace(twin, train=replace(twin.train, steps=7)),
        replace(twin, k=4),
        replace(twin, size=20),
    ):
        assert not other.holds(results, "oracle", 0)


def test_groups_of_votes_are_counted_as_a_vote_of_their_own(script) -> None:
    from ttrl_agents.evaluate.results import QuestionResult

    votes, right = (0, 1, 1, -1, -1, -1, 0, 1), {1}
    result = QuestionResult(
        question_id="q",
        level=None,
        prompt="",
        texts=("",) * 8,
        answers=tuple(None if vote < 0 else str(vote) for vote in votes),
        spans=(None,) * 8,
        rules=(None,) * 8,
        keys=(None,) * 8,
        votes=votes,
        correct=tuple(vote in right for vote in votes),
        finished=(True,) * 8,
        tokens=(1,) * 8,
    )
    share = script("twins").share_of_right_votes
    assert share(result, 1) == 3 / 8
    # 0 1 is a tie that the first wins, 1 and nothing is right, two absent elect nothing, 0 1 again.
    assert share(result, 2) == 1 / 4
    assert share(result, 4) == 1 / 2
    assert share(result, 8) == 1


def test_rephrased_questions_keep_their_labels_and_share_none_with_the_others(
    script, tmp_path
) -> None:
    from ttrl_benchmarks import load_benchmark

    sets = script("sets")
    chosen = sets.SETS["rephrased"]
    path = chosen.of_run(10, tmp_path)["data"]
    assert not path.exists()
    chosen.write(10, tmp_path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    first = load_benchmark("arithmetic", split="held_out", size=10, seed=1)
    for row, question in zip(rows, first.questions, strict=True):
        assert row["question"] != question.text
        assert row["answer"] == first.labels.reveal(question.id)
    trained = {question.text for question in load_benchmark("arithmetic", size=100).questions}
    assert not trained & {row["question"] for row in rows}
    sets.SETS["arithmetic"].write(10, tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_other_models_learn_is_right_where_no_step_is_wrong(script) -> None:
    models = script("models")
    rng = np.random.default_rng(0)
    sums = models.with_sums(rng, error_rate=0.0, direct_share=0.5)
    bare = 0
    for problem, text in (next(sums) for _ in range(60)):
        assert extract_answer(text) == str(problem.answer)
        bare += problem.text.startswith("Calculate ")
    assert 5 <= bare <= 30
    twice, right = 0, 0
    for problem, text in (next(found) for found in [models.thoughts(rng)] for _ in range(80)):
        assert text.count(models.CLOSE) == 1
        twice += models.DOUBT in text
        right += extract_answer(models.OPEN + text) == str(problem.answer)
    assert 5 <= twice <= 30
    assert right > 50


@pytest.mark.parametrize("name", ["small", "thinking"])
def test_the_stored_models_are_those_of_their_recipes(script, name) -> None:
    import hashlib
    from dataclasses import asdict

    from ttrl_agents.config.presets import family_of

    models = script("models")
    folder = models.model_path(name)
    record = json.loads((folder / "build.json").read_text())
    assert record["recipe"] == json.loads(json.dumps(asdict(models.MODELS[name])))
    for file, digest in record["sha256"].items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_000_000
    assert family_of(str(folder)) == ("reasoning" if name == "thinking" else "instruct")


def test_a_model_is_made_again_from_the_tiny_reasoner(script, tmp_path) -> None:
    from ttrl_agents.policy import load_policy

    models = script("models")
    recipe = replace(models.MODELS["small"], exact_steps=1, steps=1)
    models.make("small", tmp_path / "model", recipe, batch=4)
    policy = load_policy(str(tmp_path / "model"), device="cpu")
    assert policy.model.config.num_hidden_layers == 2
    assert policy.num_parameters < load_policy("tiny", device="cpu").num_parameters


@pytest.mark.slow
def test_a_twin_is_trained_measured_and_shared(script, repository, tmp_path, capsys) -> None:
    twins, figure5, figure7 = map(script, ("twins", "figure5", "figure7"))
    page = repository / "page.md"
    page.write_text("".join(f"<!-- begin: figure{n} -->\n<!-- end: figure{n} -->\n" for n in "57"))
    small: dict[str, Any] = {
        "seeds": (0,),
        "output": tmp_path / "runs",
        "write": True,
        "train": replace(twins.STANDARD, steps=2, questions_per_step=2, n_votes=4, max_tokens=24),
        "size": 5,
        "k": 2,
    }
    figure5.Options.page = figure7.Options.page = page
    figure5.main(figure5.Options(**small))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.json*")}
    figure7.main(figure7.Options(**small))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    text = page.read_text()
    assert "| `majority`, mean@2 | " in text
    assert "| `oracle`: true labels | " in text
    stored = json.loads(script("pages").results_path("figure7").read_text())
    assert stored["weights"] == {"tiny": twins.first_weights("tiny")}
    row = stored["runs"]["oracle"]["0"]
    assert len(row["series"]["ground_truth_ratio"]) == 2
    assert [len(kept["right"]) for kept in row["measured"].values()] == [5, 5]
    # Nothing more is trained where only what is complete is asked for.
    more = figure7.Options(**small | {"seeds": (0, 1), "only_complete": True, "again": True})
    figure7.main(more)
    capsys.readouterr()
    assert set(json.loads(script("pages").results_path("figure7").read_text())["runs"]) == set(
        figure7.REWARDS
    )
    assert len(list((tmp_path / "runs").glob("*-seed*"))) == 4


def test_all_twins_are_made_seed_by_seed(script, monkeypatch, tmp_path) -> None:
    everything, table2, spread = map(script, ("everything", "table2", "spread"))
    made: list[tuple[str, tuple[int, ...], bool]] = []
    for module in (table2, spread):
        monkeypatch.setattr(
            module, "main", lambda twin: made.append((twin.block, twin.seeds, twin.write))
        )
    options = everything.Options(only=("table2", "spread"), output=tmp_path, write=True)
    everything.main(replace(options, seeds=2))
    assert made == [
        ("table2", (0,), False),
        ("spread", (0,), False),
        ("table2", (0, 1), True),
        ("spread", (0, 1), True),
    ]
    with pytest.raises(SystemExit, match="--only figure9: there are table1"):
        everything.Options(only=("figure9",))


def test_the_standard_run_says_at_which_temperature_it_trains(script) -> None:
    standard = script("twins").STANDARD
    assert standard.temperature == TrainConfig().temperature == 1.0
