"""The table of memory in the documentation is what its script prints."""

import runpy
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def test_the_documented_table_is_that_of_the_script(capsys):
    runpy.run_path(str(REPOSITORY / "benchmarks/paper/memory_table.py"), run_name="__main__")
    table = capsys.readouterr().out.strip()
    assert table.count("\n") == 7
    assert table in (REPOSITORY / "docs/training.md").read_text(encoding="utf-8")


def test_the_number_of_weights_is_that_of_the_published_models():
    shapes = runpy.run_path(str(REPOSITORY / "benchmarks/paper/memory_table.py"))["SHAPES"]
    weights = {shape.name: shape.weights for shape in shapes}
    assert weights["SmolLM2-135M"] == 134_515_008
    assert weights["Qwen2.5-0.5B"] == 494_032_768
    assert weights["Qwen2.5(-Math)-7B"] == 7_615_616_512
    assert weights["Llama-3.1-8B"] == 8_030_261_248
