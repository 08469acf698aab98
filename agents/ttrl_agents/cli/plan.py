"""`ttrl plan`: the GPU memory that a run would need, without loading anything.

- `plan`: prints it, for one model or for all known models.
"""

from __future__ import annotations

from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from ttrl_agents.cli.console import CommandConsole
from ttrl_agents.config.train_config import Family, Preset
from ttrl_agents.distributed.launch import Launch
from ttrl_agents.errors import AgentError
from ttrl_agents.memory import Plan
from ttrl_agents.memory.shapes import SHAPES

__all__ = ["plan"]


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
    markdown: bool = False,
    gpus: int = 1,
    machines: int = 1,
    shard: Literal["auto", "no", "full"] = "auto",
    engine_tensor_parallel: int = 1,
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
        markdown: Print a Markdown table of all models and all presets; what a cell says is
            explained in docs/gpu.md.
        gpus: GPUs of each machine.
        machines: Machines that share the run.
        shard: Whether the GPUs divide weights, gradients and moments; auto: where they do not fit
            on one.
        engine_tensor_parallel: GPUs of one machine that share an engine of vLLM.
    """
    from ttrl_agents.memory.table import (  # which imports torch
        markdown_table,
        plan_preset,
        ways_to_train,
    )

    if engine_tensor_parallel > 1 and gpus % engine_tensor_parallel:
        raise AgentError(
            f"--engine-tensor-parallel {engine_tensor_parallel} makes engines of so many GPUs of "
            f"one machine: --gpus must be a multiple of it, not {gpus}."
        )
    given: dict[str, Any] = {
        "sampler": sampler,
        "micro_batch_tokens": micro_batch_tokens,
        "gradient_checkpointing": gradient_checkpointing,
        "shard": shard,
        "engine_tensor_parallel": engine_tensor_parallel,
        "ranks": Launch(gpus, machines, "any:0").processes,
    }
    if kl_coef is not None:
        given["kl_coef"] = kl_coef
    if markdown:
        print(markdown_table(gpu_gib, lora_rank, **given))  # noqa: T201
        return

    def planned(name: str, rank: int, bits: int) -> Plan:
        options = {"lora_rank": rank, "optimizer_bits": bits, **given}
        return plan_preset(name, preset, family, gpu_gib, **options)

    console = CommandConsole()
    if model is not None:
        _print_one(console, planned(model, lora_rank, optimizer_bits))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("model", "trains", "plan"):
        table.add_column(title, no_wrap=title != "plan")
    for name in SHAPES:
        for trains, rank, bits in ways_to_train(lora_rank):
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
    if plan.traffic:
        sent = Table(box=None, pad_edge=False)
        sent.add_column("GB that a GPU sends to others")
        sent.add_column("", justify="right")
        for name, size in plan.traffic.items():
            sent.add_row(name, f"{size / 1e9:.1f}")
        console.print(sent)
    console.print(f"{plan.need.shape.name}: {plan.summary()}", markup=False)
