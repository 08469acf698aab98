"""The table of all models and all presets: what fits on a GPU, and how.

- `ways_to_train`: what a run can train.
- `plan_preset`: the plan of a preset for a model.
- `markdown_table`: the table.
"""

from __future__ import annotations

import typing
from dataclasses import replace
from typing import Any, Literal

from ttrl_agents.config.presets import preset_config
from ttrl_agents.config.train_config import Family, Preset
from ttrl_agents.memory.plan import DoesNotFitError, Plan
from ttrl_agents.memory.run import choose_over_ranks, need_of
from ttrl_agents.memory.shapes import SHAPES, model_shape

__all__ = ["markdown_table", "plan_preset", "ways_to_train"]

Bits = Literal[32, 8]


def ways_to_train(lora_rank: int) -> list[tuple[str, int, Bits]]:
    """Returns what a run can train, each with the rank of adapters and the bits of a moment."""
    rank = lora_rank or 64
    return [("all weights", 0, 32), ("all, 8-bit moments", 0, 8), (f"LoRA {rank}", rank, 32)]


def plan_preset(
    model: str,
    preset: Preset,
    family: Family | None,
    gpu_gib: float,
    *,
    ranks: int = 1,
    **changed: Any,
) -> Plan:
    """Returns the plan of a preset for a model.

    Args:
        model: The model.
        preset: The preset.
        family: The model's family; `None` takes it from the name.
        gpu_gib: Memory of the GPU, in GiB.
        ranks: GPUs that the run has.
        **changed: Options that differ from the preset's.

    Raises:
        AgentError: It does not fit, or the shape of the model is not known.
    """
    config = replace(preset_config(preset, model=model, family=family), **changed)
    need = need_of(config, model_shape(model), gpu_gib * 2**30)
    return choose_over_ranks(config, need, ranks)[1]


def markdown_table(gpu_gib: float, lora_rank: int = 0, **changed: Any) -> str:
    """Returns the table, in Markdown: a row for each model and way, a column for each preset.

    Args:
        gpu_gib: Memory of the GPU, in GiB.
        lora_rank: Rank of the adapters; 0 takes 64.
        **changed: Options that differ from the presets'.
    """
    presets: tuple[Preset, ...] = typing.get_args(Preset)
    rows = [["model", "trains", *presets], ["---"] * (2 + len(presets))]
    for model in SHAPES:
        for trains, rank, bits in ways_to_train(lora_rank):
            options = {"lora_rank": rank, "optimizer_bits": bits, **changed}
            cells = [_cell(model, preset, gpu_gib, options) for preset in presets]
            rows.append([model, trains, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(model: str, preset: Preset, gpu_gib: float, options: dict[str, Any]) -> str:
    try:
        return plan_preset(model, preset, None, gpu_gib, **options).short()
    except DoesNotFitError as error:
        return f"**no**: {error.gib:.0f} GiB"
