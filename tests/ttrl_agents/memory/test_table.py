"""The table of plans: every model and preset, and the same in the documentation."""

import typing
from pathlib import Path

from ttrl_agents.cli.plan import plan
from ttrl_agents.config.train_config import Preset
from ttrl_agents.memory.shapes import SHAPES
from ttrl_agents.memory.table import markdown_table, ways_to_train

DOCS = Path(__file__).parents[3] / "docs/gpu.md"


def test_the_documentation_has_the_table_that_the_command_prints(capsys):
    plan(markdown=True)
    text = DOCS.read_text(encoding="utf-8")
    shown = text.split("<!-- plan -->")[1].split("<!-- end of plan -->")[0]
    assert shown.strip() == capsys.readouterr().out.strip()


def test_every_model_has_a_row_for_each_way_and_a_cell_for_each_preset():
    rows = markdown_table(79.6, sampler="vllm").splitlines()
    assert len(rows) == 2 + len(SHAPES) * len(ways_to_train(0))
    presets = typing.get_args(Preset)
    assert {row.count("|") for row in rows} == {len(presets) + 3}


def test_more_memory_makes_what_did_not_fit_fit():
    assert "**no**" in markdown_table(79.6, sampler="vllm")
    assert "**no**" not in markdown_table(4000.0, sampler="vllm")
