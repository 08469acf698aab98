"""The cost of an update on a GPU, traced without data: FLOPs, padding, kernels, memory."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from ttrl_agents.memory.plan import GIB, Need, Settings, predict
from ttrl_agents.memory.shapes import SHAPES

FOLDER = Path(__file__).parents[3] / "benchmarks/gpu"
PACK = 4 * 1024


@pytest.fixture(scope="module")
def budget():
    sys.path.insert(0, str(FOLDER))
    try:
        import budget
    finally:
        sys.path.remove(str(FOLDER))
    return budget


def trace(budget, shape, **options):
    return budget.trace_update(shape, lengths=np.full(8, 960), budget=PACK, **options)


def test_the_documentation_has_the_table_that_is_kept(budget):
    before, after = (json.loads(each.read_text()) for each in (budget.BEFORE, budget.AFTER))
    text = budget.DOCS.read_text(encoding="utf-8")
    shown = text.split(budget.BEGIN)[1].split(budget.END)[0]
    assert shown.strip() == budget.report(before, after)


@pytest.mark.slow
@pytest.mark.parametrize("case", range(9))
def test_flops_bytes_kernels_and_peak_of_an_update_are_those_of_the_table(budget, case):
    kept = json.loads(budget.AFTER.read_text())["updates"]
    assert len(kept) == len(budget.CASES) == 9
    found = asdict(budget.trace_update(**budget.CASES[case]))
    assert found.pop("shape") == kept[case].pop("shape")
    # Versions of transformers differ by an operation or two.
    assert found == pytest.approx(kept[case], rel=0.02)


def test_the_passes_of_an_update_are_those_of_the_table(budget):
    kept = json.loads(budget.AFTER.read_text())["passes"]
    for title, options in budget.PASSES:
        assert budget.passes(**options) == pytest.approx(kept[title][0])


@pytest.mark.parametrize("shape", ["0.5B", "1.5B"])
def test_an_update_that_keeps_its_layers_is_near_the_ideal(budget, shape):
    cost = trace(budget, shape)
    assert cost.micro_batches == 2
    assert cost.padded_share == 0
    assert 1 < cost.flops_ratio < (1.2 if shape == "0.5B" else 1.15)
    assert cost.kernels < 5000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ("0.5B", {}),
        ("1.5B", {}),
        ("1.5B", {"checkpointing": True}),
        ("7B", {"checkpointing": True}),
        ("7B", {"checkpointing": True, "bits": 8}),
        ("7B", {"checkpointing": True, "lora": 64}),
    ],
)
def test_the_memory_plan_predicts_the_traced_peak(budget, shape, options):
    cost = trace(budget, shape, **options)
    need = Need(SHAPES[f"Qwen2.5-{shape}"], 1.0, 0, lora_rank=options.get("lora", 0))
    need = replace(need, optimizer_bits=options.get("bits", 32))
    plan = predict(need, Settings(PACK, options.get("checkpointing", False)))
    kept = sum(plan.kept.values()) - plan.kept["moments of AdamW"]  # which no step has made yet
    predicted = (kept + sum(plan.learning.values())) / GIB
    # Too much is safe, too little is not.
    assert 0.98 * cost.peak_gib < predicted < 1.2 * cost.peak_gib
