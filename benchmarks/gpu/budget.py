"""Prints what an update costs in FLOPs, bytes, kernels and memory, by tracing its own code.

    python benchmarks/gpu/budget.py

The code of the package runs on fake tensors of the real shapes (see `tracer`): one question's 32
completions, as the preset paper/aime24 trains them. Nothing is measured on a GPU.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from tracer import FakeAttention, Tracer, fake_model
from transformers import DynamicCache

from ttrl_agents.learning.experience import split_by_tokens
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.policy.policy import Policy

BEFORE = Path(__file__).with_name("before.json")
PROMPT, CAP, ROWS = 128, 3072, 32
BUDGET = 4096


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
        peak_gib: The most that is alive, the weights included; optimizer and reference are not.
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


def math_lengths(rows: int = ROWS, seed: int = 0) -> np.ndarray[Any, Any]:
    """Returns lengths as of answers to a mathematical question: log-normal, cut at the cap."""
    drawn = np.random.default_rng(seed).lognormal(np.log(700), 0.7, rows)
    return np.clip(drawn, 64, CAP).astype(np.int64)


class _TracedPolicy(Policy):
    """A policy without data, under autocast as on a GPU."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.name = "traced"
        self.end_token_ids = [0]
        self.pad_token_id = 0
        self.cache_argument = "cache"

    @contextlib.contextmanager
    def precision(self) -> Iterator[None]:
        with torch.autocast("cpu", torch.bfloat16):
            yield


class _TracedLogProbs(LogProbs):
    """Log-probabilities where masks select by number: what they select is not known here."""

    count = 0

    def _head_gives_the_logits(self) -> bool:
        return True

    def outputs(self, batch: TokenBatch) -> torch.Tensor:
        if self.gradient_checkpointing and torch.is_grad_enabled():
            prompts = batch.prompt_ids[batch.rows], batch.prompt_mask[batch.rows]
            ids = torch.cat([prompts[0], batch.completion_ids[:, :-1]], 1)
            mask = torch.cat([prompts[1], batch.completion_mask[:, :-1]], 1)
            with self._checkpointed_layers():
                out = self._run(ids, mask, (mask.cumsum(-1) - 1).clamp(min=0), None)
            out = out[:, batch.prompt_ids.shape[1] - 1 :]
        else:
            cache = DynamicCache(config=self.policy.model.config)
            mask = batch.prompt_mask
            positions = (mask.cumsum(-1) - 1).clamp(min=0)
            first = self._run(batch.prompt_ids, mask, positions, cache)[:, -1:]
            first, positions = first[batch.rows], positions[batch.rows, -1:]
            cache.batch_select_indices(batch.rows)
            mask = torch.cat([mask[batch.rows], batch.completion_mask[:, :-1]], 1)
            positions = positions + torch.arange(1, batch.completion_ids.shape[1])
            rest = self._run(batch.completion_ids[:, :-1], mask, positions, cache)
            out = torch.cat([first, rest], 1)
        return out.flatten(0, 1)[torch.zeros(self.count, dtype=torch.long)]

    def run(self, batch: TokenBatch, count: int) -> torch.Tensor:
        """As `__call__`, for a batch of which `count` positions are tokens."""
        from ttrl_agents.policy import log_probs as module

        self.count = count
        targets = torch.zeros(count, dtype=torch.long)
        head = self.policy.model.get_output_embeddings()
        size = max(1, module._CHUNK_ELEMENTS // self.policy.vocabulary_size)
        with self.policy.precision():
            outputs = self.outputs(batch)
            parts = [
                module.checkpoint(
                    lambda part, wanted: module._select(head(part), wanted, 1.0, False),
                    part, wanted, use_reentrant=False,
                )
                for part, wanted in zip(outputs.split(size), targets.split(size), strict=True)
            ]  # fmt: skip
        return torch.cat([part[0] for part in parts])


def trace_update(shape: str, *, lora: int = 0, checkpointing: bool = False) -> Cost:
    """Traces the gradient of one question's completions."""
    lengths = math_lengths()
    with FakeTensorMode(allow_non_fake_inputs=True):
        model = fake_model(shape, torch.float32)
        if lora:
            from peft import LoraConfig, get_peft_model

            options = LoraConfig(r=lora, target_modules="all-linear", task_type="CAUSAL_LM")
            torch.nn.Module.to = lambda self, *_, **__: self  # type: ignore[method-assign]
            model = get_peft_model(model, options).get_base_model()
        scorer = _TracedLogProbs(_TracedPolicy(model), gradient_checkpointing=checkpointing)
        tracer = Tracer()
        FakeAttention.tracer = tracer
        run = tokens = count = 0
        with tracer:
            for parameter in model.parameters():
                tracer.hold(parameter)
            weights = tracer.live
            for rows in split_by_tokens(np.arange(len(lengths)), lengths, BUDGET):
                width, n = int(lengths[rows].max()), len(rows)
                batch = TokenBatch(
                    torch.zeros(1, PROMPT, dtype=torch.long),
                    torch.ones(1, PROMPT, dtype=torch.bool),
                    torch.zeros(n, dtype=torch.long),
                    torch.zeros(n, width, dtype=torch.long),
                    torch.ones(n, width, dtype=torch.bool),
                )
                scorer.run(batch, int(lengths[rows].sum())).sum().backward()
                prompts = PROMPT * (n if checkpointing else 1)
                run += n * width + prompts
                tokens += int(lengths[rows].sum())
                count += 1
                padded = n * width - int(lengths[rows].sum())
                trace_update.padded = getattr(trace_update, "padded", 0) + padded  # type: ignore[attr-defined]
        size = sum(each.numel() for each in model.parameters())
        untied = not model.config.tie_word_embeddings
        size -= untied * model.config.vocab_size * model.config.hidden_size
    padded = run - tokens - (PROMPT * (len(lengths) if checkpointing else count))
    name = shape + (f" LoRA {lora}" if lora else "") + (", recomputed" if checkpointing else "")
    return Cost(
        name,
        tracer.flops / (6 * size * tokens),
        padded / run,
        tracer.moved / tokens,
        tracer.kernels / count,
        count,
        tracer.peak / 2**30,
        weights / 2**30,
    )


CASES: list[dict[str, Any]] = [
    {"shape": "0.5B"},
    {"shape": "1.5B"},
    {"shape": "1.5B", "checkpointing": True},
    {"shape": "7B", "checkpointing": True},
    {"shape": "7B", "lora": 64, "checkpointing": True},
]

if __name__ == "__main__":
    costs = []
    for case in CASES:
        costs.append(asdict(trace_update(**case)))
        print(costs[-1], flush=True)
    if "--write" in sys.argv:
        BEFORE.write_text(json.dumps(costs, indent=2) + "\n")
