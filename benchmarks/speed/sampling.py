"""Tokens per second of the transformers and the vLLM samplers: same model, same requests, one run.

    python benchmarks/speed/sampling.py
    python benchmarks/speed/sampling.py --model HuggingFaceTB/SmolLM2-135M-Instruct \
        --completions 512 4096 --max-tokens 512 --device cuda

Also prints how long handing over the weights takes, and how far the log-probabilities of the two
lie apart. Without vLLM it stops with the sentence that says how to install it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping

import numpy as np

from ttrl_agents.instruments.sampler_agreement import measure_agreement
from ttrl_agents.policy import load_policy
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.samplers import Sampler, SamplingParams, TransformersSampler
from ttrl_agents.samplers.vllm import EngineOptions, VLLMSampler
from ttrl_benchmarks.arithmetic import load


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
        print(f"{policy.name}, {policy.device}; vLLM started in {time.monotonic() - began:.1f} s")
        samplers: dict[str, Sampler] = {
            "transformers": TransformersSampler(policy),
            "vllm": engine,
        }
        print(f"{'completions':>11}  {'sampler':12}  {'tokens':>9}  {'tokens/s':>9}  ratio")
        for count in options.completions:
            asked = benchmark.questions[: count // options.votes]
            prompts = [benchmark.prompt(question) for question in asked] * options.votes
            _compare_speeds(samplers, prompts, params, options.repeats)
        _time_weights(engine)
        drawn = engine.sample(prompts, params, seed=9)
        found = measure_agreement(LogProbs(policy), prompts, drawn, 1.0, rows=32)
        print(
            f"log-probabilities differ by {found.mean:.2g} nats on average, {found.largest:.2g} "
            f"at most, over {found.tokens} tokens"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--completions", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--votes", type=int, default=16, help="completions of one question")
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


def _compare_speeds(
    samplers: Mapping[str, Sampler], prompts: list[str], params: SamplingParams, repeats: int
) -> None:
    """Prints the tokens per second of each sampler, and their ratio to those of transformers."""
    speeds: dict[str, list[float]] = {name: [] for name in samplers}
    tokens: dict[str, int] = {}
    for sampler in samplers.values():
        sampler.sample(prompts[:16], params, seed=0)  # compiled and warm
    for repeat in range(repeats):  # in turn, so that both meet the same machine
        for name, sampler in samplers.items():
            began = time.monotonic()
            drawn = sampler.sample(prompts, params, seed=repeat)
            seconds = time.monotonic() - began
            tokens[name] = sum(each.token_ids.size for each in drawn if each.token_ids is not None)
            speeds[name].append(tokens[name] / seconds)
    best = {name: max(each) for name, each in speeds.items()}
    for name in samplers:
        ratio = best[name] / best["transformers"]
        print(
            f"{len(prompts):>11}  {name:12}  {tokens[name]:>9,}  {best[name]:>9,.0f}  {ratio:.2f}"
        )


def _time_weights(engine: VLLMSampler) -> None:
    """Prints how long handing over the weights takes."""
    times = []
    for _ in range(5):
        began = time.monotonic()
        engine.sync()
        times.append(time.monotonic() - began)
    proof = engine.proof
    print(
        f"weights handed over in {1000 * float(np.median(times)):.0f} ms "
        f"({proof['proved']} tensors compared, {proof['packed']} packed by the engine)"
    )


if __name__ == "__main__":
    main()
