"""Makes the tiny reasoner from nothing: `python -m ttrl_agents.tiny.build`.

- `BuildConfig`: every choice that went into it.
- `build`: tokenizer, supervised training on generated worked solutions, checkpoint.

It is left imperfect on purpose. It first learns from exact solutions; then, for the last three
tenths of the way, from solutions in which about one step in three (0.32) has a wrong result, near
the right one, that is carried on to the answer. So it is wrong at random, which the majority of its
votes can mend, and now and then by its own small size, which no vote can.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from ttrl_agents.policy.determinism import deterministic
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.policy.policy import Policy
from ttrl_agents.tiny import checkpoint_path
from ttrl_agents.tiny.solutions import write_solution
from ttrl_agents.tiny.tokenizer import train_tokenizer
from ttrl_benchmarks.arithmetic import LEVELS, Problem, draw_problem, split_of
from ttrl_benchmarks.arithmetic.benchmark import INSTRUCTION

__all__ = ["BuildConfig", "build"]

_MICRO_BATCH = 32


@dataclass(frozen=True)
class BuildConfig:
    """Every choice that went into the tiny reasoner."""

    seed: int = 0
    """Names the initial weights and the problems."""
    error_rate: float = 0.32
    """The share of worked steps that have a wrong result."""
    exact_share: float = 0.7
    """The share of optimizer steps, the first ones, whose solutions are all exact."""
    steps: int = 3200
    """Optimizer steps."""
    batch_size: int = 64
    """Worked solutions in a step."""
    muon_rate: float = 0.02
    """Peak rate of Muon, for the matrices inside the layers; it falls linearly to 0."""
    adamw_rate: float = 3e-3
    """Peak rate of AdamW, for the embeddings and the norms; it falls linearly to 0."""
    warmup_steps: int = 20
    """Steps over which the rates rise from 0."""
    vocab_size: int = 640
    """Tokens, special ones included."""
    hidden_size: int = 96
    """Width of the model."""
    intermediate_size: int = 256
    """Width of its feed-forward layers."""
    num_layers: int = 3
    """Number of layers."""
    num_heads: int = 3
    """Attention heads in a layer."""


def build(config: BuildConfig, output: Path, *, threads: int = 2) -> Policy:
    """Makes the tiny reasoner and writes it to a folder.

    Args:
        config: Every choice.
        output: Where the checkpoint goes.
        threads: CPU threads; the weights are the same bit for bit only for the same number, on
            the same machine.

    Returns:
        The policy, as it was written.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(config.seed)
    tokenizer = _make_tokenizer(config)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden_size,
            intermediate_size=config.intermediate_size,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.num_heads,
            num_key_value_heads=config.num_heads,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            initializer_range=0.05,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
    )
    policy = Policy(model, tokenizer, "tiny")
    _train(policy, config)
    model.eval()
    policy.save(output)
    (output / "build.json").write_text(json.dumps(asdict(config), indent=2) + "\n")
    return policy


def _practice(rng: np.random.Generator, error_rate: float) -> Iterator[tuple[Problem, str]]:
    """Problems of the practice split without end, each with a worked solution."""
    while True:
        problem = draw_problem(rng, LEVELS[rng.integers(len(LEVELS))])
        if split_of(problem) == "practice":
            yield problem, write_solution(problem, rng, error_rate)


def _make_tokenizer(config: BuildConfig) -> PreTrainedTokenizerFast:
    examples = _practice(np.random.default_rng([config.seed, 1]), config.error_rate)
    texts: list[str] = []
    for _ in range(5_000):
        problem, solution = next(examples)
        texts += [problem.text + INSTRUCTION, solution]
    return train_tokenizer(texts, config.vocab_size)


def _train(policy: Policy, config: BuildConfig) -> None:
    model, log_probs = policy.model, LogProbs(policy)
    rng = np.random.default_rng([config.seed, 2])
    exact, slipping = _practice(rng, 0.0), _practice(rng, config.error_rate)
    optimizers = _make_optimizers(policy, config)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(optimizer, partial(_rate, config=config))
        for optimizer in optimizers
    ]
    columns = (
        TextColumn("teaching the tiny reasoner"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
    model.train()
    with Progress(*columns) as progress:
        task = progress.add_task("", total=config.steps, loss=float("nan"))
        for step in range(config.steps):
            examples = exact if step < config.exact_share * config.steps else slipping
            loss = _accumulate(policy, log_probs, list(islice(examples, config.batch_size)))
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer, schedule in zip(optimizers, schedules, strict=True):
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                schedule.step()
            progress.update(task, advance=1, loss=loss)


def _make_optimizers(policy: Policy, config: BuildConfig) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings and norms."""
    embedding = policy.model.get_input_embeddings().weight
    matrices = [p for p in policy.model.parameters() if p.ndim == 2 and p is not embedding]
    others = [p for p in policy.model.parameters() if p.ndim != 2 or p is embedding]
    return [
        torch.optim.Muon(matrices, lr=config.muon_rate, momentum=0.95, weight_decay=0.05),
        torch.optim.AdamW(others, lr=config.adamw_rate, betas=(0.9, 0.98), weight_decay=0.05),
    ]


def _rate(step: int, config: BuildConfig) -> float:
    warmup = min(1.0, (step + 1) / config.warmup_steps)
    return warmup * (1 - step / max(config.steps, 1))


def _accumulate(policy: Policy, log_probs: LogProbs, examples: list[tuple[Problem, str]]) -> float:
    """Adds the gradient of the mean loss over solution tokens; returns that loss."""
    prompts = policy.encode_prompts([problem.text + INSTRUCTION for problem, _ in examples])
    policy.forget_prompts()  # none comes twice
    texts = [solution + policy.tokenizer.eos_token for _, solution in examples]
    solutions = policy.tokenizer(texts, add_special_tokens=False)["input_ids"]
    tokens = sum(map(len, solutions))
    rows = sorted(zip(prompts, solutions, strict=True), key=lambda row: len(row[0]) + len(row[1]))
    total = 0.0
    for start in range(0, len(rows), _MICRO_BATCH):  # by length, so that little is padded
        part_prompts, part_solutions = zip(*rows[start : start + _MICRO_BATCH], strict=True)
        batch = TokenBatch.from_ids(part_prompts, part_solutions, pad_token_id=policy.pad_token_id)
        loss = -log_probs(batch, temperature=1.0)[0].sum() / tokens
        with deterministic(policy.device):
            loss.backward()
        total += loss.item()
    return total


def main(
    config: Annotated[BuildConfig, tyro.conf.arg(name="")] = BuildConfig(),
    output: Path | None = None,
    threads: int = 2,
) -> None:
    """Makes the tiny reasoner from nothing and writes its checkpoint.

    Args:
        config: Every choice that goes into it.
        output: Where the checkpoint goes; by default into the package, in place of the old one.
        threads: CPU threads. The weights are reproduced bit for bit by the same number of
            threads on the same kind of machine.
    """
    began = time.monotonic()
    folder = checkpoint_path() if output is None else output
    policy = build(config, folder, threads=threads)
    seconds = time.monotonic() - began
    print(f"{policy.num_parameters:,} weights in {folder}, made in {seconds:.0f} s")  # noqa: T201


if __name__ == "__main__":
    tyro.cli(main, prog="python -m ttrl_agents.tiny.build")
