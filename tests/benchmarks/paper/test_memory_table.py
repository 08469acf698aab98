"""The table of memory in the documentation is what its script prints."""

import runpy
from pathlib import Path

from ttrl_agents.memory.shapes import SHAPES

REPOSITORY = Path(__file__).parents[3]


def test_the_documented_table_is_that_of_the_script(capsys):
    runpy.run_path(str(REPOSITORY / "benchmarks/paper/memory_table.py"), run_name="__main__")
    table = capsys.readouterr().out.strip()
    assert table.count("\n") == 1 + len(SHAPES)
    assert table in (REPOSITORY / "docs/training.md").read_text(encoding="utf-8")
