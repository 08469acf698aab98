"""Prints what an update costs in FLOPs, bytes, kernels and memory, before and after.

    python benchmarks/gpu/budget.py              # all shapes, two to three minutes
    python benchmarks/gpu/budget.py --shape 1.5B
    python benchmarks/gpu/budget.py --write      # into docs/gpu.md and after.json, which tests hold

The package's own code runs on fake tensors of the real shapes (see `tracer`): one question's 32
completions, as the preset paper/aime24 trains them, with a prompt of 128 tokens and lengths drawn
like those of mathematical answers. `before.json` holds the same of the code as it was before rows
were packed, weights kept in 16 bits and the LM head's backward pass written by hand; it was written
by the version of this script that came with it. Nothing is measured on a GPU.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import tyro
from fused import fused_layers
from torch._subclasses.fake_tensor import FakeTensorMode
from tracer import (
    FakeAttention,
    Tracer,
    count_pairs,
    fake_flash_attention,
    fake_model,
    replaced,
)
from transformers import Qwen2Config, Qwen2ForCausalLM

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.learning.compact_adamw import make_adamw
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.policy import lm_head, lm_head_tiles, packed_attention
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.policy.packed import fill_packs
from ttrl_agents.policy.policy import Policy
from ttrl_agents.policy.token_batch import TokenBatch
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import SamplingParams, TransformersSampler

BEFORE, AFTER = (Path(__file__).with_name(f"{name}.json") for name in ("before", "after"))
DOCS = Path(__file__).parents[2] / "docs/gpu.md"
BEGIN, END = "<!-- budget -->", "<!-- end of budget -->"
PROMPT, CAP, ROWS = 128, 3072, 32
PACK = {False: 8192, True: 16_384}  # what the memory plan would choose, by recomputation
# Weights that a token is multiplied with: of an embedding of its own it reads one row.
NUMBER = {"0.5B": 494_032_768, "1.5B": 1_543_714_304, "7B": 7_070_619_136}
# Rates of an H100 in matrix products, memory and attention, for the estimate alone.
FLOPS_PER_SECOND, BYTES_PER_SECOND, PEAK = 620e12, 2.6e12, 989e12


@dataclass
class Cost:
    """What the update of one question costs.

    Attributes:
        shape: The model.
        flops_ratio: FLOPs over 6 times the weights times the trained tokens.
        padded_share: The share of the tokens that are run which are padding.
        bytes_per_token: Bytes moved, for each trained token.
        kernels: Kernels launched for each micro-batch.
        micro_batches: How many there are.
        peak_gib: The most that is alive, with weights and gradients (and masters), but neither
            moments nor reference.
        weights_gib: The weights.
    """

    shape: str
    flops_ratio: float
    padded_share: float
    bytes_per_token: float
    kernels: float
    micro_batches: int
    peak_gib: float
    weights_gib: float

    def mfu(self) -> float:
        """Returns the model FLOPs utilisation that the rates would give: an estimate."""
        weights = NUMBER[self.shape.split(",")[0].split()[0]]
        arithmetic = 6 * weights * self.flops_ratio / FLOPS_PER_SECOND
        return 6 * weights / PEAK / (arithmetic + self.bytes_per_token / BYTES_PER_SECOND)


def math_lengths(rows: int = ROWS, seed: int = 0) -> np.ndarray[Any, Any]:
    """Returns lengths as of answers to a mathematical question: log-normal, cut at the cap."""
    drawn = np.random.default_rng(seed).lognormal(np.log(700), 0.7, rows)
    return np.clip(drawn, 64, CAP).astype(np.int64)


class _TracedPolicy(Policy):
    """A policy without data."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.name = "traced"
        self.end_token_ids = [0]
        self.pad_token_id = 0
        self.cache_argument = "cache"


class _TracedLogProbs(LogProbs):
    """Log-probabilities that need no numbers to be set up."""

    def _head_gives_the_logits(self) -> bool:
        return True

    def _find_obstacle(self) -> None:
        return None


@contextlib.contextmanager
def as_on_a_gpu(tracer: Tracer) -> Iterator[None]:
    """Has the code do on fake tensors on CPU what it does on a GPU."""

    def product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        out = torch.empty(left.shape[0], right.shape[1], dtype=torch.float32)
        moved = left.nbytes + right.nbytes + out.nbytes
        tracer.count(2.0 * left.numel() * right.shape[1], moved)
        return out

    def add_tile(logits: torch.Tensor, *_: Any) -> None:
        tracer.count(0.0, logits.nbytes)

    def tile_gradient(logits: torch.Tensor, *rest: Any) -> torch.Tensor:
        out = torch.empty_like(logits, dtype=rest[-1])
        tracer.count(0.0, logits.nbytes + out.nbytes)
        return out

    changes: list[tuple[Any, str, Any]] = [
        (lm_head_tiles, "product", product),
        (lm_head_tiles, "_kernels", lambda: (add_tile, tile_gradient)),
        (lm_head, "why_not_tiled", lambda _: None),
        (packed_attention, "_segment_by_segment", fake_flash_attention),
        (FakeAttention, "tracer", tracer),
    ]
    with replaced(changes):
        yield


def trace_update(
    shape: str,
    *,
    lora: int = 0,
    checkpointing: bool = False,
    bits: int = 32,
    fused: bool = False,
    budget: int | None = None,
    lengths: np.ndarray[Any, Any] | None = None,
) -> Cost:
    """Traces the gradient of one question's completions, packed, in bfloat16."""
    lengths = math_lengths() if lengths is None else lengths
    prompt, most = tuple(range(PROMPT)), budget or PACK[checkpointing]
    batches = [
        TokenBatch.from_ids(
            [prompt] * len(rows), [np.zeros(n, np.int64) for n in lengths[rows]], pad_token_id=0
        )
        for rows in fill_packs([prompt] * len(lengths), lengths.tolist(), most)
    ]
    for batch in batches:  # before the mode in which tensors hold no numbers
        FakeAttention.pairs[id(batch.packed)] = count_pairs(batch.packed)
    tracer = Tracer()
    layers = fused_layers(tracer) if fused else contextlib.nullcontext()
    with FakeTensorMode(allow_non_fake_inputs=True), as_on_a_gpu(tracer), layers:
        model = fake_model(shape, torch.bfloat16)
        if lora:
            model = _with_adapters(model, lora)
        scorer = _TracedLogProbs(
            _TracedPolicy(model), gradient_checkpointing=checkpointing, packed=True
        )
        optimizer = make_adamw(
            model.parameters(), bits=bits, lr=0.0, betas=(0.9, 0.95), weight_decay=0.0
        )
        with tracer:
            for parameter in model.parameters():
                tracer.hold(parameter)
            weights = tracer.live
            # With 8-bit moments these stand for masters; no step is taken that would make them.
            low = [torch.empty_like(each, dtype=torch.int16) for each in _trained(model, bits)]
            for batch in reversed(batches):  # the largest last, when masters and sums are there
                optimizer.backward(scorer(batch, 1.0)[0].sum())
            del low
    tokens = int(lengths.sum())
    run = sum(len(batch.packed.ids) for batch in batches)
    needed = tokens - len(lengths) + PROMPT * len(batches)
    name = shape + (f" LoRA {lora}" if lora else "") + (", recomputed" if checkpointing else "")
    name += ", fused" if fused else ""
    name += ", 8-bit moments" if bits == 8 else ""
    return Cost(
        shape=name,
        flops_ratio=tracer.flops / (6 * NUMBER[shape] * tokens),
        padded_share=(run - needed) / run,
        bytes_per_token=tracer.moved / tokens,
        kernels=tracer.kernels / len(batches),
        micro_batches=len(batches),
        peak_gib=tracer.peak / 2**30,
        weights_gib=weights / 2**30,
    )


def _trained(model: Any, bits: int) -> list[torch.Tensor]:
    return [each for each in model.parameters() if each.requires_grad and bits == 8]


def _with_adapters(model: Any, rank: int) -> Any:
    from peft import LoraConfig, get_peft_model

    options = LoraConfig(r=rank, target_modules="all-linear", task_type="CAUSAL_LM")
    moving, torch.nn.Module.to = torch.nn.Module.to, lambda self, *_, **__: self
    try:  # tensors without data cannot be moved
        return get_peft_model(model, options, autocast_adapter_dtype=False).get_base_model()
    finally:
        torch.nn.Module.to = moving


def kernels_per_token(layers: int = 28) -> float:
    """Returns the kernels that the transformers sampler launches for each position it draws."""
    policy = load_policy("tiny", device="cpu")
    torch.manual_seed(0)
    config = Qwen2Config(
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=layers,
        num_attention_heads=12,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        vocab_size=len(policy.tokenizer),
    )
    policy.model = Qwen2ForCausalLM(config).eval().to(torch.bfloat16)
    prompts = ["What is 3 plus 4?"] * 8 + ["7 times 8 plus 1 is what"] * 8
    counts = []
    for most in (20, 40):
        with Tracer() as tracer:
            drawn = TransformersSampler(policy).sample(prompts, SamplingParams(most), seed=0)
        lengths = [len(each.token_ids) for each in drawn if each.token_ids is not None]
        counts.append((tracer.kernels, max(lengths)))
    (few, short), (many, long) = counts
    return (many - few) / (long - short)


def passes(**options: Any) -> float:
    """Returns how often a trained completion is run through a model, in eight updates a step."""
    policy = load_policy("tiny", device="cpu")
    config = TrainConfig(
        questions_per_step=8, n_votes=4, max_tokens=24, device="cpu", pack_rows="yes",
        **{"kl_coef": 0.001, "minibatches": 8, **options},
    )  # fmt: skip
    agent = PolicyGradientAgent(policy, config)
    prompts = [f"What is {k} plus {k}?" for k in range(8) for _ in range(4)]
    completions = agent.act(prompts, 0)
    run = 0
    scoring = LogProbs.outputs

    def counted(self: LogProbs, batch: TokenBatch) -> torch.Tensor:
        nonlocal run
        run += len(batch.completions)
        return scoring(self, batch)

    LogProbs.outputs = counted  # type: ignore[method-assign]
    try:
        agent.learn(
            Rollout(prompts, completions, np.tile([1.0, 0.0], 16), np.zeros(32, dtype=bool), 4)
        )
    finally:
        LogProbs.outputs = scoring  # type: ignore[method-assign]
    return run / len(prompts)


CASES: tuple[dict[str, Any], ...] = (
    {"shape": "0.5B"},
    {"shape": "0.5B", "fused": True},
    {"shape": "1.5B"},
    {"shape": "1.5B", "fused": True},
    {"shape": "1.5B", "checkpointing": True},
    {"shape": "7B", "checkpointing": True},
    {"shape": "7B", "checkpointing": True, "bits": 8},
    {"shape": "7B", "checkpointing": True, "bits": 8, "fused": True},
    {"shape": "7B", "lora": 64, "checkpointing": True},
)
COLUMNS = "| | FLOPs / 6 N T | padded | MB a token | kernels | micro-batches | peak, GiB | MFU |"
PASSES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("8 updates a step, as in the preset", {}),
    ("the same with `--old-log-probs sampler`", {"old_log_probs": "sampler"}),
    ("1 update a step", {"minibatches": 1}),
)


def table(costs: Sequence[Cost], title: str) -> str:
    """Returns a table of costs."""
    rows = [
        f"| {each.shape} | {each.flops_ratio:.2f} | {each.padded_share:.0%} | "
        f"{each.bytes_per_token / 1e6:.0f} | {each.kernels:,.0f} | {each.micro_batches} | "
        f"{each.peak_gib:.1f} | {each.mfu():.0%} |"
        for each in costs
    ]
    return "\n".join([f"{title}:", "", COLUMNS, "|---" * 8 + "|", *rows])


def measure(chosen: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns the costs of the code as it is, in the form of `before.json`."""
    return {
        "updates": [asdict(trace_update(**case)) for case in chosen],
        "kernels_per_sampled_token": kernels_per_token(),
        "passes": {
            title: [passes(**options), passes(**{"kl_coef": 0.0, **options})]
            for title, options in PASSES
        },
    }


def report(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Returns what is printed, in Markdown."""
    was, now = ([Cost(**each) for each in found["updates"]] for found in (before, after))
    kernels = [found["kernels_per_sampled_token"] for found in (before, after)]
    rows = [
        f"| {title} | {both[0]:.2f} | {both[1]:.2f} |" for title, both in after["passes"].items()
    ]
    return "\n".join(
        [
            table(was, f"Before (commit {before['commit']})"),
            "",
            table(now, "After"),
            "",
            (
                "Kernels for each sampled token with the sampler of transformers, 28 layers: "
                f"{kernels[0]:,.0f} before, {kernels[1]:,.0f} after."
            ),
            "",
            (
                "How often a trained completion is run through a model (before: "
                f"{before['passes']:g} with a reference, in 8 updates a step):"
            ),
            "",
            "| | with a reference | without |",
            "|---|---|---|",
            *rows,
        ]
    )


def main(shape: Literal["all", "0.5B", "1.5B", "7B"] = "all", write: bool = False) -> None:
    """Prints the tables.

    Args:
        shape: The model to trace.
        write: Write what is printed into docs/gpu.md, and its numbers into after.json.
    """
    before = json.loads(BEFORE.read_text())
    before["updates"] = [
        each for each in before["updates"] if shape == "all" or each["shape"].startswith(shape)
    ]
    after = measure([case for case in CASES if shape in ("all", case["shape"])])
    print(report(before, after))
    if write and shape == "all":
        AFTER.write_text(json.dumps(after, indent=2) + "\n")
        text = DOCS.read_text(encoding="utf-8")
        head, rest = text.split(BEGIN)
        tail = rest.split(END)[1]
        DOCS.write_text(f"{head}{BEGIN}\n{report(before, after)}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    tyro.cli(main)
