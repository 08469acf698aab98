r"""The makers of the tiny reasoners, from nothing: `python -m ttrl_agents.tiny.build`.

- `BuildConfig`: every choice that goes into one.
- `VARIANTS`: those of `tiny` and of `tiny-noisy`, by name.
- `build`: tokenizer, supervised training on generated solutions, checkpoint.
- `practice`: the problems and solutions that it learns from.
- `accumulate_loss`: the supervised loss of some problems, for builders of other small models.
- `describe`: what a checkpoint's `build.json` holds: these choices, and checksums of its files.

Both first learn to work problems out from exact solutions, one step a line. Then they part.

`tiny` goes on with a mixture. Three in five of its solutions give the answer at once, `The answer
is \boxed{18}.`; the rest work it out, with one step in ten wrong. It has not learned to calculate
in its head, so what it says at once is nearly always wrong, and what it works out is mostly right.
It is left with two ways of answering, and prefers the bad one: greedily it only guesses, and at
temperature 0.6 it works out one answer in three. Guesses scatter and worked answers agree. So the
majority vote is mostly right where a single completion is mostly wrong, and training on the vote
makes it work the answers out.

What `tiny` shows is *elicitation*: TTRL brings out a skill that pre-training has planted. It does
not show that a model learns without labels what it could not do before: pass@16 is near 1 from the
start. The same is said of TTRL on Qwen2.5-Math: its gains are mostly a sharpening of what the model
could solve already (arXiv 2605.19444), and that family also improves under rewards that say nothing
of the answer (arXiv 2506.10947). The lesson can fail. Working out goes wrong too, at every level,
so some votes are wrong before training; some of these turn, and others harden. A random reward
sharpens whatever chance prefers, and mostly ruins the vote. A learning rate five times the default
ends in completions that nearly all agree and are often wrong.

`tiny-noisy` goes on with solutions in which about one step in three (0.32) has a wrong result, near
the right one, that is carried on to the answer. Greedily it is nearly always right, and at
temperature 1 it is wrong at random. Training on its vote makes it surer, not better.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import tyro
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from ttrl_agents.policy.determinism import deterministic
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.policy.policy import Policy
from ttrl_agents.tiny import checkpoint_path
from ttrl_agents.tiny.solutions import write_answer, write_solution
from ttrl_agents.tiny.tokenizer import train_tokenizer
from ttrl_benchmarks.arithmetic import LEVELS, Problem, draw_problem, split_of
from ttrl_benchmarks.arithmetic.benchmark import INSTRUCTION

__all__ = [
    "VARIANTS",
    "BuildConfig",
    "Variant",
    "accumulate_loss",
    "build",
    "describe",
    "practice",
]

Variant = Literal["tiny", "tiny-noisy"]
_MICRO_BATCH = 32
_HASHED = ("model.safetensors", "tokenizer.json", "chat_template.jinja")


@dataclass(frozen=True)
class BuildConfig:
    """Every choice that goes into a tiny reasoner; the defaults are those of `tiny`."""

    seed: int = 0
    """Names the initial weights and the problems."""
    steps: int = 2600
    """Optimizer steps."""
    exact_share: float = 0.77
    """The share of steps, the first ones, whose solutions are all worked out and exact."""
    direct_share: float = 0.6
    """Of the later solutions, the share that give the exact answer at once."""
    error_rate: float = 0.1
    """Of the steps worked out in the others, the share that have a wrong result."""
    batch_size: int = 64
    """Solutions in a step."""
    muon_rate: float = 0.02
    """Peak learning rate of Muon, for the matrices inside the layers."""
    adamw_rate: float = 3e-3
    """Peak learning rate of AdamW, for the embeddings and the norms."""
    warmup_steps: int = 20
    """Steps over which the learning rates rise from 0."""
    constant_share: float = 0.5
    """The share of steps, the first ones, before the learning rates fall linearly to 0."""
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


VARIANTS: dict[Variant, BuildConfig] = {
    "tiny": BuildConfig(),
    "tiny-noisy": BuildConfig(
        steps=3200, exact_share=0.7, direct_share=0.0, error_rate=0.32, constant_share=0.0
    ),
}


def build(config: BuildConfig, output: Path, *, threads: int = 2) -> Policy:
    """Makes a tiny reasoner and writes it to a folder.

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
    record = json.dumps(describe(config, output), indent=2)
    (output / "build.json").write_text(record + "\n", encoding="utf-8")
    return policy


def describe(config: BuildConfig, folder: Path) -> dict[str, Any]:
    """Returns what `build.json` holds: the choices, and the checksums of what they made."""
    checksums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in _HASHED}
    return {"config": asdict(config), "sha256": checksums}


def practice(
    rng: np.random.Generator, error_rate: float, direct_share: float = 0.0
) -> Iterator[tuple[Problem, str]]:
    """Yields problems of the practice split without end, each with a solution.

    Args:
        rng: The source of chance.
        error_rate: The share of steps that get a wrong result, where steps are worked out.
        direct_share: The share of solutions that give the exact answer at once.
    """
    while True:
        problem = draw_problem(rng, LEVELS[rng.integers(len(LEVELS))])
        if split_of(problem) != "practice":
            continue
        # Where all is worked out nothing is drawn for it, so the same problems follow.
        if direct_share > 0 and rng.random() < direct_share:
            yield problem, write_answer(problem.answer)
        else:
            yield problem, write_solution(problem, rng, error_rate)


def _make_tokenizer(config: BuildConfig) -> PreTrainedTokenizerFast:
    examples = practice(np.random.default_rng([config.seed, 1]), config.error_rate)
    texts: list[str] = []
    for _ in range(5_000):
        problem, solution = next(examples)
        texts += [problem.text + INSTRUCTION, solution]
    return train_tokenizer(texts, config.vocab_size)


def _train(policy: Policy, config: BuildConfig) -> None:
    model, log_probs = policy.model, LogProbs(policy)
    rng = np.random.default_rng([config.seed, 2])
    exact = practice(rng, 0.0)
    mixed = practice(rng, config.error_rate, config.direct_share)
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
            examples = exact if step < config.exact_share * config.steps else mixed
            loss = accumulate_loss(policy, log_probs, list(islice(examples, config.batch_size)))
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
    constant = int(config.constant_share * config.steps)
    return warmup * (1 - max(step - constant, 0) / max(config.steps - constant, 1))


def accumulate_loss(
    policy: Policy, log_probs: LogProbs, examples: Sequence[tuple[Problem, str]]
) -> float:
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


def main(variant: Variant = "tiny", output: Path | None = None, threads: int = 2) -> None:
    """Makes a tiny reasoner from nothing and writes its checkpoint.

    Args:
        variant: Which one.
        output: Where the checkpoint goes; by default into the package, in place of the old one.
        threads: CPU threads. The weights are reproduced bit for bit by the same number of
            threads on the same kind of machine.
    """
    began = time.monotonic()
    folder = checkpoint_path(variant) if output is None else output
    policy = build(VARIANTS[variant], folder, threads=threads)
    seconds = time.monotonic() - began
    print(f"{policy.num_parameters:,} weights in {folder}, made in {seconds:.0f} s")  # noqa: T201


if __name__ == "__main__":
    tyro.cli(main, prog="python -m ttrl_agents.tiny.build")
