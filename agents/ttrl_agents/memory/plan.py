"""The GPU memory of a run, and the settings that make it fit.

- `Need`: the requirements of a run.
- `Settings`: the settings that can be chosen.
- `Plan`: the memory that both take, part by part.
- `predict`: the memory of given settings.
- `plan_memory`: chooses settings; `DoesNotFitError` is what it raises.

Everything is predicted from the shape of the model: bytes of weights, of the optimizer, of what a
pack of tokens keeps for the backward pass (counted operation by operation, see
docs/gpu.md), of the LM head's chunks and of the engine. These are estimates; `_SPARE` is left for
the overhead of the allocator.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product

from ttrl_agents.errors import AgentError
from ttrl_agents.memory.over_ranks import COPY, over_ranks, traffic
from ttrl_agents.memory.shapes import ModelShape

__all__ = ["DoesNotFitError", "Need", "Plan", "Settings", "plan_memory", "predict"]

GIB = 2**30
_SPARE = 2.5 * GIB  # CUDA contexts, and memory in fragments too small to use
_ENGINE_OVERHEAD = 2.0 * GIB  # activations and CUDA graphs of vLLM
_ENGINE_ASLEEP = 1.0 * GIB
_TILE_ROWS, _TILE_COLUMNS = 4096, 32_768  # of the LM head: see `policy.lm_head_tiles`
_BLOCK = 256  # moments of 8 bits that share a scale
_MOST_SHARE = 0.85
_SMALLEST_CACHE_ROWS = 32
PACKS = (16_384, 8192, 4096)
_GPU_COUNTS = (2, 4, 8)
_GPU_SIZES = (24, 40, 48, 80, 96, 141, 192, 288)


class DoesNotFitError(AgentError):
    """A run does not fit on its GPU.

    Attributes:
        gib: The least that it needs, in GiB.
    """

    def __init__(self, message: str, gib: float) -> None:
        super().__init__(message)
        self.gib = gib


@dataclass(frozen=True)
class Need:
    """The requirements of a run.

    Attributes:
        shape: The model.
        memory: Bytes of the GPU.
        length: The most tokens of a prompt and its completion together.
        lora_rank: Rank of the adapters; 0 trains all weights.
        reference: Whether a copy of the initial policy is kept.
        critic: Whether there is a critic.
        engine: Whether a vLLM engine shares the GPU.
        weight_bytes: Bytes of a weight: 2, or 4 with `--dtype float32`.
        optimizer_bits: Bits of each moment of AdamW.
        ranks: GPUs that the weights are divided over; 1 where each has all of them.
        engine_gpus: GPUs that an engine divides its copy of the weights over.
    """

    shape: ModelShape
    memory: float
    length: int
    lora_rank: int = 0
    reference: bool = False
    critic: bool = False
    engine: bool = False
    weight_bytes: int = 2
    optimizer_bits: int = 32
    ranks: int = 1
    engine_gpus: int = 1


@dataclass(frozen=True)
class Settings:
    """The settings that can be chosen.

    Attributes:
        micro_batch_tokens: Tokens of a pack.
        gradient_checkpointing: Whether layers are computed again in the backward pass.
        engine_sleep: Whether the engine gives its memory back while the policy learns.
        engine_gpu_share: The share of the GPU that the engine takes.
        offload_reference: Whether the reference waits in main memory.
    """

    micro_batch_tokens: int
    gradient_checkpointing: bool
    engine_sleep: bool = False
    engine_gpu_share: float = 0.0
    offload_reference: bool = False


@dataclass(frozen=True)
class Plan:
    """The memory that a run takes, in bytes.

    Attributes:
        need: The requirements.
        settings: The settings that were chosen.
        kept: What is allocated all the time.
        learning: What an update takes in addition.
        sampling: What sampling takes in addition.
    """

    need: Need
    settings: Settings
    kept: dict[str, float] = field(default_factory=dict)
    learning: dict[str, float] = field(default_factory=dict)
    sampling: dict[str, float] = field(default_factory=dict)

    @property
    def peak(self) -> float:
        """The most memory that is taken at once."""
        most = max(sum(self.learning.values()), sum(self.sampling.values()))
        return sum(self.kept.values()) + most + _SPARE

    @property
    def fits(self) -> bool:
        """Whether it fits on the GPU."""
        return self.peak <= self.need.memory

    @property
    def traffic(self) -> dict[str, float]:
        """The bytes that a GPU sends to others, by what they are; empty for one GPU."""
        need, shape = self.need, self.need.shape
        if need.ranks == 1:
            return {}
        trained = shape.adapters(need.lora_rank) if need.lora_rank else shape.weights
        return traffic(
            shape, weight_bytes=need.weight_bytes, ranks=need.ranks, trained=float(trained)
        )

    def short(self) -> str:
        """Returns the settings in a few words."""
        settings = self.settings
        parts = [f"{settings.micro_batch_tokens // 1024}k"]
        parts += ["recomputed"] if settings.gradient_checkpointing else []
        if self.need.engine:
            asleep = " asleep" if settings.engine_sleep else ""
            parts.append(f"vLLM {settings.engine_gpu_share:.0%}{asleep}")
        parts += ["reference away"] if settings.offload_reference else []
        return ", ".join(parts)

    def summary(self) -> str:
        """Returns the plan on one line."""
        settings = self.settings
        parts = [
            f"{self.peak / GIB:.0f} of {self.need.memory / GIB:.0f} GiB at the most (estimated)",
            f"packs of {settings.micro_batch_tokens:,} tokens",
            f"layers {'computed again' if settings.gradient_checkpointing else 'kept'}",
        ]
        if self.need.ranks > 1:
            parts.append(f"divided over {self.need.ranks} GPUs")
        if self.need.engine:
            asleep = ", asleep while learning" if settings.engine_sleep else ""
            over = f" over {self.need.engine_gpus} GPUs" if self.need.engine_gpus > 1 else ""
            parts.append(f"vLLM {settings.engine_gpu_share:.0%}{over}{asleep}")
        if settings.offload_reference:
            parts.append("reference in main memory")
        if self.need.optimizer_bits == 8:
            parts.append("8-bit moments")
        return "; ".join(parts)


def predict(need: Need, settings: Settings) -> Plan:
    """Returns what a run with these settings takes."""
    shape, size = need.shape, need.weight_bytes
    weights = float(shape.weights)
    trained = float(shape.adapters(need.lora_rank)) if need.lora_rank else weights
    compact = need.optimizer_bits == 8
    kept = {"weights": size * weights + (size * trained if need.lora_rank else 0)}
    copy = 0 if size == 4 else 2 if compact else 4
    if copy:
        kept[COPY] = copy * trained
    moments = 2 * (1 + 4 / _BLOCK) if compact else 8
    kept["moments of AdamW"] = moments * trained
    if need.reference and not (need.lora_rank or settings.offload_reference):
        kept["reference"] = size * weights
    if need.critic:
        kept["critic and its optimizer"] = (size + copy + moments) * weights
    tokens = max(settings.micro_batch_tokens, need.length)
    networks = 2 if need.critic else 1  # gradients of both are there when they are clipped
    learning = {
        "gradients": (size if compact else 4) * trained * networks
        + (size * shape.head_weights if size < 4 else 0),
        "activations": _activations(need, settings, tokens),
        "LM head": _head(need),
    }
    if need.ranks > 1:
        kept, learning = over_ranks(
            kept,
            learning,
            shape=shape,
            weight_bytes=size,
            ranks=need.ranks,
            adapters=need.lora_rank > 0,
            engine=need.engine,
        )
    sampling: dict[str, float] = {}
    if need.engine:
        share = settings.engine_gpu_share * need.memory
        sampling["vLLM"] = share
        learning["vLLM"] = _ENGINE_ASLEEP if settings.engine_sleep else share
    else:
        row = shape.cache_per_token * size * need.length
        sampling["keys and values of 64 completions"] = 64.0 * row
    return Plan(need, settings, kept, learning, sampling)


def _head(need: Need) -> float:
    """The bytes of a tile of logits and its gradient, and of sums and products in float32."""
    tile = _TILE_ROWS * _TILE_COLUMNS * (4 + need.weight_bytes)
    wide = 8 * _TILE_ROWS * need.shape.hidden
    if not need.lora_rank:  # the gradient of the head, and what one tile adds to it
        wide += 4 * (need.shape.head_weights + _TILE_COLUMNS * need.shape.hidden)
    return float(tile + wide)


def _activations(need: Need, settings: Settings, tokens: int) -> float:
    """The bytes that layers keep for the backward pass, at 2 bytes per number."""
    shape, rank = need.shape, need.lora_rank
    queries, keys = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    if rank:
        layer = 28 * shape.hidden + 10 * shape.inner + 8 * queries + 4 * keys + 28 * rank
    else:
        layer = 16 * shape.hidden + 8 * shape.inner + 4 * queries + 4 * keys
    layer = layer * need.weight_bytes // 2 + 4 * shape.heads
    once = 8 * shape.hidden + 4 * shape.head_size
    if settings.gradient_checkpointing:
        # The inputs of all layers, and everything of one layer, with its gradients.
        inputs = need.weight_bytes * shape.hidden * shape.layers
        return float(tokens * (inputs + 1.5 * layer + once))
    return float(tokens * ((shape.layers + 0.5) * layer + once))


def plan_memory(need: Need, **given: int | float | bool | None) -> Plan:
    """Chooses the fastest settings that fit.

    It prefers keeping layers to computing them again (a third more arithmetic), an engine that
    stays awake to one that sleeps (seconds per step), large packs to small ones, and a reference on
    the GPU to one in main memory.

    Args:
        need: The requirements of the run.
        **given: Settings that are fixed, by name; `None` leaves one to be chosen.

    Raises:
        DoesNotFitError: Nothing fits; the message says what would.
    """
    plans = list(_candidates(need, given))
    for plan in plans:
        if plan.fits:
            return plan
    least = min(plans, key=lambda plan: plan.peak)
    raise DoesNotFitError(_refusal(least, given), least.peak / GIB)


def _candidates(need: Need, given: dict[str, int | float | bool | None]) -> list[Plan]:
    def choices(name: str, default: tuple[int | bool, ...]) -> tuple[int | float | bool, ...]:
        value = given.get(name)
        return default if value is None else (value,)

    plans = []
    # A part of a model does not move to main memory, and has no need to.
    can_wait = need.reference and not need.lora_rank and need.ranks == 1
    for away, again, asleep, tokens in product(
        choices("offload_reference", (False, True) if can_wait else (False,)),
        choices("gradient_checkpointing", (False, True)),
        choices("engine_sleep", (False, True) if need.engine else (False,)),
        choices("micro_batch_tokens", PACKS),
    ):
        settings = Settings(
            int(tokens), bool(again), bool(asleep), offload_reference=bool(away) and can_wait
        )
        share = given.get("engine_gpu_share")
        if need.engine:
            chosen = _share(need, settings) if share is None else float(share)
            settings = replace(settings, engine_gpu_share=chosen)
        plans.append(predict(need, settings))
    return plans


def _share(need: Need, settings: Settings) -> float:
    """The share of an engine: what is left over, but at least what it needs to run."""
    rest = predict(need, settings)  # without the engine
    used = sum(rest.kept.values()) + _SPARE
    if not settings.engine_sleep:
        used += sum(rest.learning.values())
    shape, size = need.shape, min(need.weight_bytes, 4)
    rows = _SMALLEST_CACHE_ROWS / min(need.engine_gpus, shape.kv_heads)
    cache = rows * need.length * shape.cache_per_token * size
    least = (size * shape.weights / need.engine_gpus + _ENGINE_OVERHEAD + cache) / need.memory
    # A percent rounded down, so that what is printed is what is taken.
    left = int(100 * min((need.memory - used) / need.memory, _MOST_SHARE)) / 100
    return max(left, -(-100 * least // 1) / 100)


def _refusal(least: Plan, given: dict[str, int | float | bool | None]) -> str:
    need = least.need
    sentence = (
        f"{need.shape.name} does not fit: {least.peak / GIB:.0f} GiB are needed at the least "
        f"(estimated), and there are {need.memory / GIB:.0f}."
    )
    ways = []
    if any(value is not None for value in given.values()) and _try(need):
        ways.append("leave micro-batch, recomputation and engine to be chosen")
    if need.engine and _try(replace(need, engine=False)):
        ways.append("sample with --sampler transformers")
    if need.reference and not need.lora_rank and _try(replace(need, reference=False)):
        ways.append("train without a reference (--kl-coef 0)")
    if need.optimizer_bits != 8 and _try(replace(need, optimizer_bits=8, ranks=1)):
        ways.append("keep AdamW's moments in 8 bits (--optimizer-bits 8)")
    if not need.lora_rank and _try(replace(need, lora_rank=64)):
        ways.append("train adapters (--lora-rank 64)")
    if need.optimizer_bits != 8:
        counts = (each for each in _GPU_COUNTS if each > need.ranks)
        several = next((each for each in counts if _try(replace(need, ranks=each))), None)
        if several is not None:
            ways.append(f"divide the weights over {several} GPUs (--gpus {several})")
    if need.engine and need.ranks > 1:
        counts = (each for each in _GPU_COUNTS if need.engine_gpus < each <= need.ranks)
        shared = next((each for each in counts if _try(replace(need, engine_gpus=each))), None)
        if shared is not None:
            ways.append(f"share an engine among {shared} GPUs (--engine-tensor-parallel {shared})")
    larger = [size for size in _GPU_SIZES if size > least.peak / GIB]
    if larger:
        ways.append(f"use a GPU of {larger[0]} GiB")
    return f"{sentence} To make it fit: {', or '.join(ways) or 'use several GPUs'}."


def _try(need: Need) -> bool:
    return any(plan.fits for plan in _candidates(need, {}))
