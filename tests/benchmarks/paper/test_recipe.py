"""The rows of the paper on GPUs: their options, their commands, and one that is run at toy size."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from ttrl_agents.cli.entry import main
from ttrl_benchmarks.errors import UnknownNameError

PAGE = Path(__file__).parents[3] / "docs" / "paper.md"


def test_every_row_of_the_three_tables_has_a_recipe(script) -> None:
    rows = script("paper_rows")
    recipes = rows.recipes()
    assert len(recipes) == 6 * 4 + 6 * 3 + 5
    page = PAGE.read_text(encoding="utf-8")
    for recipe in recipes:
        before, after = recipe.paper
        assert 0 <= before <= 100
        assert 0 <= after <= 100
        if recipe.table != "table3":
            assert recipe.config.preset == f"paper/{recipe.benchmark}"
        assert recipe.gpu_hours() > 0
        shown = f"| {before:g} → {after:g} |", f"| {before:.1f} → {after:.1f} |"
        assert any(each in page for each in shown)


def test_where_the_paper_does_otherwise_than_a_models_name_says_the_recipe_does_too(script) -> None:
    find = script("paper_rows").find_recipe
    plain = find("table1", "Qwen/Qwen3-8B", "amc").config
    assert (plain.family, plain.temperature, plain.max_tokens) == ("instruct", 1.0, 3072)
    assert plain.instruction.endswith("/no_think")
    thinks = find("table2", "deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "amc").config
    assert (thinks.family, thinks.max_tokens, thinks.eval_k) == ("reasoning", 32_768, 4)
    level = find("table3", "Qwen/Qwen2.5-Math-1.5B", "math500-l1").config
    assert (level.env, level.steps) == ("TTRL-MATH500-L1-v0", 43 // 8 * 30)
    with pytest.raises(UnknownNameError, match="Unknown benchmark 'amc24'"):
        find("table1", "Qwen/Qwen3-8B", "amc24")


@pytest.mark.parametrize("place", [0, 20, 42])
def test_the_printed_commands_are_taken_by_the_command_line(script, capsys, place) -> None:
    train, evaluate = script("paper_rows").recipes()[place].commands("runs/nowhere")
    for command in (train, evaluate):
        words = shlex.split(command)
        assert words[0] == "ttrl"
        assert main([*words[1:], "--help"]) == 0
    assert "--k" in capsys.readouterr().out


def test_the_page_has_the_table_of_recipes(script) -> None:
    page = PAGE.read_text(encoding="utf-8")
    recipe = script("recipe")
    assert script("pages").with_block(page, recipe.BLOCK, recipe.table()) == page


def test_a_run_is_printed_beside_the_paper(script) -> None:
    recipe, rows = script("recipe"), script("paper_rows")

    def scores(mean: float) -> dict:
        found = {"temperature": 0.6, "top_p": 0.95, "mean@16": mean}
        return {"train": found | {"mean@16_ci95": [mean - 0.1, mean + 0.1]}}

    summary = {
        "before": scores(0.1),
        "during": {"2": scores(0.5), "4": scores(0.3)},
        "after": scores(0.25),
    }
    row = rows.find_recipe("table1", "Qwen/Qwen2.5-Math-7B", "aime24")
    text = recipe.beside_the_paper(row, summary)
    assert "| paper, arXiv 2504.16084v3, table1 | 12.9 | 40.2 |" in text
    assert "last checkpoint | 10.0 [0.0, 20.0] | 25.0 [15.0, 35.0] |" in text
    assert "the best of all that were measured |  | 50.0 [40.0, 60.0] |" in text
    assert "T 0.6, top-p 0.95" in text


@pytest.mark.slow
def test_a_recipe_is_run_end_to_end_at_toy_size_and_read_again(script, tmp_path) -> None:
    recipe, rows = script("recipe"), script("paper_rows")
    row = rows.find_recipe("table1", "Qwen/Qwen2.5-Math-1.5B", "aime24")
    toy = {
        "model": "tiny",
        "env": "TTRL-Arithmetic-v0",
        "env_options": {"size": 5},
        "sampler": "transformers",
        "steps": 2,
        "questions_per_step": 2,
        "minibatches": 2,
        "n_votes": 4,
        "n_train": 2,
        "max_tokens": 16,
        "max_prompt_tokens": None,
        "instruction": None,
        "eval_k": 2,
        "warmup_steps": 0,
    }
    text = recipe.run_recipe(row, toy, tmp_path / "run")
    assert "| here, mean@2, last checkpoint | " in text
    assert (tmp_path / "run" / "checkpoint" / "model.safetensors").is_file()
    assert recipe.run_recipe(row, toy, tmp_path / "run") == text
