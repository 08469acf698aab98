"""Peak memory of an update: the plain way against ours.

The gradient of a policy loss on a random model of SmolLM2-135M's shape, with its vocabulary of
49,152, on CPU in float32. Each variant runs in a process of its own, whose peak resident memory
(as the operating system counts it) is printed, and what of it came after the weights were there.

- `plain`: the model's logits of everything, [batch, length, vocabulary], and their log-softmax.
- `ours`: `LogProbs`: prompts shared, completion tokens alone through the LM head, in chunks that
  are computed again.
- `ours, checkpointed`: the layers computed again as well.

    python benchmarks/speed/memory.py                       # a few minutes on 2 cores
    python benchmarks/speed/memory.py --rows 8 --tokens 128
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
import tyro
from transformers import LlamaConfig

from ttrl_agents.policy import Policy
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.tiny.random_policy import random_policy

Variant = Literal["plain", "ours", "ours, checkpointed"]
VARIANTS: tuple[Variant, ...] = ("plain", "ours", "ours, checkpointed")


@dataclass(frozen=True)
class Options:
    """Measures the peak memory of one gradient."""

    rows: int = 16
    """Completions, of one prompt."""
    tokens: int = 192
    """Tokens of each."""
    prompt_tokens: int = 64
    """Tokens of the prompt."""
    variant: Variant | None = None
    """Only this one, in this process; the numbers are printed as JSON."""


def smollm2_policy() -> Policy:
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        tie_word_embeddings=True,
    )
    return random_policy(config, name="SmolLM2-135M shape")


def plain_log_probs(policy: Policy, batch: TokenBatch) -> torch.Tensor:
    ids = torch.cat([batch.prompt_ids[batch.rows], batch.completion_ids], dim=1)
    logits = policy.model(input_ids=ids, use_cache=False).logits[:, :-1]
    chosen = logits.log_softmax(-1).gather(-1, ids[:, 1:, None]).squeeze(-1)
    return chosen[:, batch.prompt_ids.shape[1] - 1 :]


def peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def measure(options: Options, variant: Variant) -> dict[str, float]:
    policy = smollm2_policy()
    generator = torch.Generator().manual_seed(1)
    prompt = torch.randint(policy.vocabulary_size, (options.prompt_tokens,), generator=generator)
    completions = torch.randint(
        policy.vocabulary_size, (options.rows, options.tokens), generator=generator
    )
    batch = TokenBatch.from_ids(
        [tuple(prompt.tolist())] * options.rows, list(completions.numpy()), pad_token_id=0
    )
    scorer = LogProbs(policy, gradient_checkpointing=variant == "ours, checkpointed")
    before, began = peak_bytes(), time.perf_counter()
    log_probs = plain_log_probs(policy, batch) if variant == "plain" else scorer(batch, 1.0)[0]
    weights = F.normalize(torch.arange(options.rows) - (options.rows - 1) / 2, dim=0)
    (log_probs * weights[:, None]).mean().backward()
    norm = torch.nn.utils.clip_grad_norm_(policy.model.parameters(), 1e9)
    seconds = time.perf_counter() - began
    return {"before": before, "peak": peak_bytes(), "seconds": seconds, "norm": float(norm)}


def main(options: Options) -> None:
    if options.variant is not None:
        print(json.dumps(measure(options, options.variant)))
        return
    print(
        f"{options.rows} completions x {options.tokens} tokens, prompt of "
        f"{options.prompt_tokens}, {torch.get_num_threads()} threads"
    )
    print("| variant | peak GiB | of it after loading | seconds | gradient norm |")
    print("|---|---|---|---|---|")
    for variant in VARIANTS:
        sizes = [f"--{name}={getattr(options, name)}" for name in ("rows", "tokens")]
        sizes.append(f"--prompt-tokens={options.prompt_tokens}")
        command = [sys.executable, str(Path(__file__)), "--variant", variant, *sizes]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        found = json.loads(done.stdout.splitlines()[-1])
        gib = 2**30
        print(
            f"| {variant} | {found['peak'] / gib:.2f} | "
            f"{(found['peak'] - found['before']) / gib:.2f} | {found['seconds']:.1f} | "
            f"{found['norm']:.6f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(tyro.cli(Options))
