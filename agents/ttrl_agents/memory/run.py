"""The memory of a run: its plan, and what to say when the plan was wrong.

- `plan_run`: the options of a run, completed by its plan.
- `choose_over_ranks`: the plan of a run on several GPUs.
- `need_of`: the requirements of a run.
- `out_of_memory_advice`: the options that take less memory.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import torch

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.distributed.world import world
from ttrl_agents.errors import AgentError
from ttrl_agents.memory.plan import Need, Plan, plan_memory
from ttrl_agents.memory.shapes import ModelShape, model_shape
from ttrl_agents.policy.loading import resolve_device, resolve_dtype

__all__ = ["choose_over_ranks", "need_of", "out_of_memory_advice", "plan_run"]

_PROMPT_TOKENS = 2048
_CPU_TOKENS = 4096
_CPU_SHARE = 0.5
_LOG = logging.getLogger(__name__)


def need_of(config: TrainConfig, shape: ModelShape, memory: float, weight_bytes: int = 2) -> Need:
    """Returns the requirements of a run.

    Args:
        config: The options of the run.
        shape: The shape of its model.
        memory: Bytes of the GPU.
        weight_bytes: Bytes of a weight.
    """
    algorithm = config.resolve_algorithm()
    return Need(
        shape=shape,
        memory=memory,
        length=(config.max_prompt_tokens or _PROMPT_TOKENS) + config.max_tokens,
        lora_rank=config.lora_rank,
        reference=algorithm.kl_coef > 0,
        critic=algorithm.advantage == "gae",
        engine=config.sampler == "vllm",
        weight_bytes=weight_bytes,
        optimizer_bits=config.optimizer_bits,
        engine_gpus=config.engine_tensor_parallel,
    )


def choose(config: TrainConfig, need: Need) -> tuple[TrainConfig, Plan]:
    """Returns the options, completed by the plan, and the plan.

    Options that were given are not changed. With `micro_batch_tokens` given, only the engine's
    share is chosen.

    Raises:
        AgentError: Nothing fits.
    """
    open_to_choice = None if config.micro_batch_tokens is None else False
    may_offload = open_to_choice is None and config.shard != "full"  # which divides it instead
    plan = plan_memory(
        need,
        micro_batch_tokens=config.micro_batch_tokens,
        gradient_checkpointing=config.gradient_checkpointing or open_to_choice,
        engine_sleep=config.engine_sleep or open_to_choice,
        offload_reference=config.offload_reference or (None if may_offload else False),
        engine_gpu_share=config.engine_gpu_share,
    )
    settings = plan.settings
    chosen = replace(
        config,
        micro_batch_tokens=settings.micro_batch_tokens,
        gradient_checkpointing=settings.gradient_checkpointing,
        engine_sleep=settings.engine_sleep,
        offload_reference=settings.offload_reference,
        engine_gpu_share=settings.engine_gpu_share or _CPU_SHARE,
    )
    return chosen, plan


def choose_over_ranks(config: TrainConfig, need: Need, ranks: int) -> tuple[TrainConfig, Plan]:
    """Returns the same for a run on several GPUs, and whether weights are divided over them.

    Args:
        config: The options. With `shard` at `"auto"` they are divided where they do not fit on one
            GPU.
        need: The requirements on one GPU.
        ranks: GPUs.

    Raises:
        AgentError: Nothing fits.
    """
    if ranks == 1 or config.shard == "no" or config.optimizer_bits == 8:
        return choose(config, need)
    divided, over = replace(config, shard="full"), replace(need, ranks=ranks)
    if config.shard == "full":
        return choose(divided, over)
    try:
        return choose(replace(config, shard="no"), need)
    except AgentError:
        return choose(divided, over)


def plan_run(config: TrainConfig) -> tuple[TrainConfig, Plan | None]:
    """Returns the options of a run, completed by its plan, before anything is loaded.

    On CPU, and for a model whose shape is not known beforehand, nothing is planned.

    Raises:
        AgentError: The run does not fit on its GPU; the message says what would.
    """
    plain = replace(
        config,
        micro_batch_tokens=config.micro_batch_tokens or _CPU_TOKENS,
        engine_gpu_share=config.engine_gpu_share or _CPU_SHARE,
    )
    device = resolve_device(config.device)
    if device.type != "cuda":
        return plain, None
    try:
        shape = model_shape(config.model)
    except AgentError as error:
        _LOG.warning("The memory of this run is not planned. %s", error)
        return plain, None
    free = torch.cuda.mem_get_info(device)[0]
    size = resolve_dtype(config.dtype, device).itemsize
    return choose_over_ranks(config, need_of(config, shape, free, size), world().size)


def out_of_memory_advice(config: TrainConfig) -> str:
    """Returns the options of a run that take less memory than it took."""
    tokens = config.micro_batch_tokens or _CPU_TOKENS
    ways = []
    if tokens > 1024:
        ways.append(f"--micro-batch-tokens {tokens // 2}")
    if not config.gradient_checkpointing:
        ways.append("--gradient-checkpointing")
    if config.resolve_algorithm().kl_coef > 0 and not (
        config.offload_reference or config.lora_rank
    ):
        ways.append("--offload-reference")
    if config.sampler == "vllm" and not config.engine_sleep:
        ways.append("--engine-sleep")
    if config.sampler == "vllm":
        ways.append(f"--engine-gpu-share {(config.engine_gpu_share or _CPU_SHARE) * 0.8:.2f}")
    elif config.sample_rows is None or config.sample_rows > 1:
        ways.append(f"--sample-rows {max(1, (config.sample_rows or 128) // 2)}")
    return f"To take less: {', '.join(ways)}."
