"""One row of the paper's Tables 1 to 3 on GPUs, end to end, beside the published number.

    python benchmarks/paper/recipe.py                                  # all rows: what they take
    python benchmarks/paper/recipe.py table1 Qwen/Qwen2.5-Math-7B      # the commands of its rows
    python benchmarks/paper/recipe.py table1 Qwen/Qwen2.5-Math-7B aime24 --run
    python benchmarks/paper/recipe.py --write                          # the table of docs/paper.md

Nothing of it has been run by this project. Memory is what `ttrl plan` predicts. Hours are an
estimate of arithmetic: tokens times weights times 2 for sampling and 10 for learning (forward,
forward again, backward, and the reference), at the shares of an A100's peak and the mean length of
completions that `paper_rows.py` assumes. Several GPUs divide them at best evenly.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro
from paper_rows import PAPER, Recipe, find_recipe, recipes
from twin_tables import markdown

from pages import REPOSITORY, write_block
from ttrl_agents.config import TrainConfig
from ttrl_agents.memory.plan import DoesNotFitError
from ttrl_agents.memory.run import choose_over_ranks, need_of
from ttrl_agents.memory.shapes import model_shape
from ttrl_benchmarks.errors import UserError

PAGE = REPOSITORY / "docs" / "paper.md"
BLOCK = "recipes"
GPU = 79.6 * 2**30  # bytes of a GPU of 80 GB
SMALLER: tuple[tuple[str, dict[str, Any]], ...] = (  # what is tried where all weights do not fit
    ("8-bit moments", {"optimizer_bits": 8}),
    ("LoRA 64", {"lora_rank": 64, "learning_rate": 5e-6}),
)


@dataclass(frozen=True)
class Options:
    """Shows or runs rows of the paper's Tables 1 to 3."""

    table: tyro.conf.Positional[str | None] = None
    """table1, table2 or table3."""
    model: tyro.conf.Positional[str | None] = None
    """The id of the model, as in the list."""
    benchmark: tyro.conf.Positional[str | None] = None
    """The benchmark, as in the list."""
    run: bool = False
    """Train, measure, and print the result beside the paper's."""
    model_path: Path | None = None
    """The folder of the model, where it is not downloaded by its id."""
    lora_rank: int = 0
    """Train adapters of this rank, where all weights do not fit; the learning rate is 5e-6."""
    sampler: str = "vllm"
    """What samples completions: vllm or transformers."""
    output: Path | None = None
    """The folder of the run; one that was begun goes on."""
    write: bool = False
    """Put the list into docs/paper.md."""


def verdict(recipe: Recipe, gpus: int) -> str:
    """Returns whether a run fits on GPUs of 80 GB, and else what would, as a cell."""
    said = _planned(recipe.config, recipe.model, gpus)
    if not said.startswith("**no**") or gpus > 1:
        return said
    for words, changes in SMALLER:
        other = _planned(replace(recipe.config, **changes), recipe.model, gpus)
        if not other.startswith("**no**"):
            return f"{said}; {words}: {other}"
    return said


def _planned(config: TrainConfig, model: str, gpus: int) -> str:
    try:
        plan = choose_over_ranks(config, need_of(config, model_shape(model), GPU), gpus)[1]
    except DoesNotFitError as error:
        return f"**no**: {error.gib:.0f} GiB"
    return plan.short()


def table() -> str:
    """Returns the Markdown table of all recipes."""
    rows = [
        [
            recipe.table.replace("table", ""),
            f"`{recipe.model}`",
            recipe.benchmark,
            f"{recipe.paper[0]:g} → {recipe.paper[1]:g}",
            verdict(recipe, 1),
            verdict(recipe, 8),
            f"{recipe.gpu_hours():.0f}",
        ]
        for recipe in recipes()
    ]
    heads = ["table", "`--model`", "benchmark", "paper", "1 × 80 GB", "8 × 80 GB", "GPU-hours"]
    return (
        f"{markdown(heads, rows)}\n\nNone of these has been run by this project. Printed by "
        "`python benchmarks/paper/recipe.py`."
    )


def run_recipe(recipe: Recipe, changes: dict[str, Any], output: Path) -> str:
    """Trains, measures, and returns the result beside the paper's.

    Args:
        recipe: The row.
        changes: Options that differ from the recipe's.
        output: The folder of the run; one that was begun goes on, one that is complete is read.
    """
    from ttrl_agents.trainer import Trainer, resume_config

    if not (output / "summary.json").is_file():
        begun = (output / "config.json").is_file()
        config = replace(recipe.config, **changes, output=output)
        Trainer(resume_config(output) if begun else config, resume=begun).run()
    return beside_the_paper(recipe, json.loads((output / "summary.json").read_text("utf-8")))


def beside_the_paper(recipe: Recipe, summary: dict[str, Any]) -> str:
    """Returns the scores of a run beside those of the paper."""
    before, after = (summary[moment]["train"] for moment in ("before", "after"))
    (score,) = (name for name in after if name.startswith("mean@") and "_" not in name)

    def cell(scores: dict[str, Any]) -> str:
        low, high = (100 * bound for bound in scores[f"{score}_ci95"])
        return f"{100 * scores[score]:.1f} [{low:.1f}, {high:.1f}]"

    rows = [
        [f"paper, {PAPER}, {recipe.table}", *(f"{each:g}" for each in recipe.paper)],
        [f"here, {score}, last checkpoint", cell(before), cell(after)],
    ]
    during = [each["train"] for each in summary.get("during", {}).values()]
    if during:
        best = max(during, key=lambda scores: float(scores[score]))
        rows.append([f"here, {score}, the best of all that were measured", "", cell(best)])
    setting = f"T {after['temperature']:g}, top-p {after['top_p']:g}"
    return (
        f"{markdown([f'{recipe.model}, {recipe.benchmark}, percent', 'before', 'after'], rows)}\n\n"
        f"{setting}; in brackets the 95 % interval over questions. The best is chosen by the "
        "labels, as the paper's seems to be, so it is not a result without labels."
    )


def main(options: Options) -> None:
    if options.table is None or options.model is None:
        text = table()
        print(text)
        if options.write:
            write_block(PAGE, BLOCK, text)
        return
    chosen = [
        each
        for each in recipes()
        if (each.table, each.model) == (options.table, options.model)
        and options.benchmark in (None, each.benchmark)
    ]
    try:
        if not chosen:  # raises, with the names that there are
            find_recipe(options.table, options.model, options.benchmark or "")
        for recipe in chosen:
            if options.run:
                changes: dict[str, Any] = {"sampler": options.sampler}
                if options.model_path is not None:
                    changes["model"] = str(options.model_path)
                if options.lora_rank:
                    changes |= {"lora_rank": options.lora_rank, "learning_rate": 5e-6}
                name = f"{recipe.model.split('/')[-1]}-{recipe.benchmark}"
                folder = options.output or Path("runs/recipes") / name
                print(run_recipe(recipe, changes, folder))
            else:
                print("\n".join(recipe.commands()))
    except UserError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main(tyro.cli(Options))
