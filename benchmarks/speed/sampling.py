"""Tokens per second of the transformers and the vLLM samplers: same model, same requests, one run.

    python benchmarks/speed/sampling.py
    python benchmarks/speed/sampling.py --write    # and keeps it in docs/vllm.md
    python benchmarks/speed/sampling.py --model HuggingFaceTB/SmolLM2-135M-Instruct \
        --completions 512 4096 --max-tokens 512 --device cuda

Also prints how long handing over the weights takes, and how far the log-probabilities of the two
lie apart. Without vLLM it stops with the sentence that says how to install it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.append(str(Path(__file__).parents[1]))
from pages import REPOSITORY, command_line, write_results
from ttrl_agents.instruments.sampler_agreement import measure_agreement
from ttrl_agents.policy import load_policy
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.samplers import Sampler, SamplingParams, TransformersSampler
from ttrl_agents.samplers.vllm import EngineOptions, VLLMSampler
from ttrl_benchmarks.arithmetic import load

PAGE = REPOSITORY / "docs" / "vllm.md"
BLOCK = "sampling"


def main() -> None:
    options = _options()
    policy = load_policy(options.model, device=options.device)
    benchmark = load(size=max(options.completions) // options.votes)
    params = SamplingParams(options.max_tokens)
    length = options.max_tokens + 512
    began = time.monotonic()
    with VLLMSampler(
        policy, EngineOptions(min(length, policy.max_length or length), max_rows=1024)
    ) as engine:
        print(f"vLLM started in {time.monotonic() - began:.1f} s")
        samplers: dict[str, Sampler] = {
            "transformers": TransformersSampler(policy),
            "vllm": engine,
        }
        rows = []
        for count in options.completions:
            asked = benchmark.questions[: count // options.votes]
            prompts = [benchmark.prompt(question) for question in asked] * options.votes
            rows.append(_compare_speeds(samplers, prompts, params, options.repeats))
        sync = _time_weights(engine)
        drawn = engine.sample(prompts, params, seed=9)
        found = measure_agreement(LogProbs(policy), prompts, drawn, 1.0, rows=32)
    results = {
        "command": command_line(),
        "model": policy.name,
        "device": str(policy.device),
        "threads": torch.get_num_threads(),
        "rows": rows,
        **sync,
        "log_prob_gap": {"mean": found.mean, "largest": found.largest, "tokens": found.tokens},
    }
    print(table(results))
    if options.write:
        write_results(BLOCK, results, PAGE, table(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="tiny", help="what `ttrl train --model` takes")
    parser.add_argument("--device", default="auto", help="where both run")
    parser.add_argument(
        "--completions", type=int, nargs="+", default=[128, 512], help="how many are sampled"
    )
    parser.add_argument("--votes", type=int, default=16, help="completions of one question")
    parser.add_argument("--max-tokens", type=int, default=256, help="the most of a completion")
    parser.add_argument("--repeats", type=int, default=3, help="the fastest of these counts")
    parser.add_argument(
        "--write", action="store_true", help="keep the results in the documentation"
    )
    return parser.parse_args()


def _compare_speeds(
    samplers: Mapping[str, Sampler], prompts: list[str], params: SamplingParams, repeats: int
) -> dict[str, float]:
    """Returns how many completions there were, and the tokens per second of each sampler."""
    speeds: dict[str, list[float]] = {name: [] for name in samplers}
    for sampler in samplers.values():
        sampler.sample(prompts[:16], params, seed=0)  # compiled and warm
    for repeat in range(repeats):  # in turn, so that both meet the same machine
        for name, sampler in samplers.items():
            began = time.monotonic()
            drawn = sampler.sample(prompts, params, seed=repeat)
            seconds = time.monotonic() - began
            tokens = sum(each.token_ids.size for each in drawn if each.token_ids is not None)
            speeds[name].append(tokens / seconds)
    return {"completions": len(prompts)} | {name: max(each) for name, each in speeds.items()}


def _time_weights(engine: VLLMSampler) -> dict[str, float]:
    """Returns how long handing over the weights takes."""
    times = []
    for _ in range(5):
        began = time.monotonic()
        engine.sync()
        times.append(time.monotonic() - began)
    proof = engine.proof
    return {
        "sync_seconds": float(np.median(times)),
        "tensors_compared": proof["proved"],
        "tensors_packed": proof["packed"],
    }


def table(results: dict[str, Any]) -> str:
    """Returns the Markdown table of the results."""
    lines = [
        "| completions | transformers, tokens/s | vLLM, tokens/s | ratio |",
        "|---|---|---|---|",
    ]
    for row in results["rows"]:
        ours, theirs = row["transformers"], row["vllm"]
        lines.append(
            f"| {row['completions']} | {ours:,.0f} | {theirs:,.0f} | {theirs / ours:.2f} |"
        )
    gap = results["log_prob_gap"]
    threads = "1 thread" if results["threads"] == 1 else f"{results['threads']} threads"
    legend = (
        f"`{results['model']}`, {results['device']}, {threads}. Weights were handed over in "
        f"{1000 * results['sync_seconds']:.0f} ms ({results['tensors_compared']} tensors compared, "
        f"{results['tensors_packed']} packed by the engine), and the log-probabilities of the two "
        f"differed by {gap['mean']:.2g} nats on average and {gap['largest']:.2g} at most, over "
        f"{gap['tokens']} tokens at T 1. Printed by `{results['command']}`."
    )
    return "\n".join([*lines, "", legend])


if __name__ == "__main__":
    main()
