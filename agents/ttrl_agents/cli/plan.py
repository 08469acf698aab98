"""`ttrl plan`: the GPU memory that a run would need, without loading anything.

- `plan`: prints it, for one model or for all known models.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from rich.console import Console
from rich.table import Table

from ttrl_agents.cli.console import CommandConsole
from ttrl_agents.config.presets import preset_config
from ttrl_agents.config.train_config import Family, Preset
from ttrl_agents.errors import AgentError
from ttrl_agents.memory import Plan, model_shape
from ttrl_agents.memory.shapes import SHAPES

__all__ = ["plan"]

# What a run can train, as the table of all models shows it: rank of adapters, bits of a moment.
_WAYS: tuple[tuple[str, int, Literal[32, 8]], ...] = (
    ("all weights", 0, 32),
    ("all, 8-bit moments", 0, 8),
    ("LoRA 64", 64, 32),
)


def plan(
    model: str | None = None,
    preset: Preset = "paper/aime24",
    family: Family | None = None,
    gpu_gib: float = 79.6,
    lora_rank: int = 0,
    optimizer_bits: Literal[32, 8] = 32,
    sampler: Literal["transformers", "vllm"] = "vllm",
    kl_coef: float | None = None,
    micro_batch_tokens: int | None = None,
    gradient_checkpointing: bool = False,
) -> None:
    """Prints the GPU memory that a run would need, estimated without loading anything.

    Args:
        model: The model; by default every model whose shape is known, with all weights and LoRA.
        preset: The preset that sets the options of the run.
        family: The model family of the preset; by default from the model's name.
        gpu_gib: Memory of the GPU, in GiB; an H100 or A100 of 80 GB has 79.6.
        lora_rank: Train adapters of this rank; 0 trains all weights.
        optimizer_bits: Bits of each of AdamW's moments.
        sampler: The sampler of completions.
        kl_coef: Weight of the KL divergence; 0 keeps no copy of the initial policy.
        micro_batch_tokens: Tokens of a pack; chosen by default.
        gradient_checkpointing: Whether layers are computed again in the backward pass; chosen by
            default.
    """
    from ttrl_agents.memory.run import choose, need_of  # which imports torch

    def planned(name: str, rank: int, bits: Literal[32, 8]) -> Plan:
        config = replace(
            preset_config(preset, model=name, family=family),
            lora_rank=rank,
            optimizer_bits=bits,
            sampler=sampler,
            micro_batch_tokens=micro_batch_tokens,
            gradient_checkpointing=gradient_checkpointing,
        )
        if kl_coef is not None:
            config = replace(config, kl_coef=kl_coef)
        return choose(config, need_of(config, model_shape(name), gpu_gib * 2**30))[1]

    console = CommandConsole()
    if model is not None:
        _print_one(console, planned(model, lora_rank, optimizer_bits))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("model", "trains", "plan"):
        table.add_column(title, no_wrap=title != "plan")
    for name in SHAPES:
        for trains, rank, bits in _WAYS:
            try:
                said = planned(name, rank, bits).summary()
            except AgentError as error:
                said = str(error)
            table.add_row(name, trains, said)
    console.print(table)


def _print_one(console: Console, plan: Plan) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("GiB, estimated")
    table.add_column("learning", justify="right")
    table.add_column("sampling", justify="right")
    for name in dict.fromkeys([*plan.kept, *plan.learning, *plan.sampling]):
        cells = (
            plan.kept.get(name, 0.0) + part.get(name, 0.0)
            for part in (plan.learning, plan.sampling)
        )
        table.add_row(name, *(f"{cell / 2**30:.1f}" for cell in cells))
    console.print(table)
    console.print(f"{plan.need.shape.name}: {plan.summary()}", markup=False)
