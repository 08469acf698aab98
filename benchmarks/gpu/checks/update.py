"""The stages about the update: speed, memory against the plan, the LM head, adapters of 7B.

- `update`: one question's update at 0.5B and 1.5B, as the paper's presets take it.
- `head`: the LM head alone, by Triton's kernels and by PyTorch.
- `adapters`: the gradient of a micro-batch of 7B with LoRA.
"""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import torch

from checks.report import Report
from checks.setting import Cost, Setting, peak_flops, timed
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.memory.plan import GIB, Plan
from ttrl_agents.memory.run import choose, need_of
from ttrl_agents.memory.shapes import ModelShape
from ttrl_agents.policy.lm_head import head_log_probs
from ttrl_agents.policy.lm_head_tiles import why_not_tiled
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.policy.lora import add_adapters
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import TransformersSampler
from ttrl_env.completion import Completion

__all__ = ["adapters", "head", "update"]

_VOTES, _PROMPT = 32, 128
_TORCH_CHUNK = 2**28
_PLAN_MARGIN = 1.1  # how far the peak may lie above the plan


def update(report: Report, setting: Setting) -> None:
    """Measures the update of one question, with a reference, after one to warm up."""
    for shape in setting.shapes("Qwen2.5-0.5B", "Qwen2.5-1.5B"):
        name, cap = shape.name, 48 if setting.toy else 3072
        config = TrainConfig(
            steps=10, questions_per_step=1, n_votes=_VOTES, max_tokens=cap, learning_rate=5e-7,
            warmup_steps=0, schedule="constant", kl_coef=1e-3, device=str(setting.device),
            max_prompt_tokens=_PROMPT, pack_rows="yes" if setting.toy else "auto",
        )  # fmt: skip
        planned = _plan(report, setting, config, shape)
        if planned is None:
            continue
        config, plan = planned
        policy = setting.policy(shape, _PROMPT)
        agent = PolicyGradientAgent(policy, config, TransformersSampler(policy))
        drawn = _completions(policy.vocabulary_size, cap)
        tokens = sum(len(each.token_ids) for each in drawn if each.token_ids is not None)
        for step in range(2):  # the first fills the allocator and makes the moments
            rollout = Rollout(
                ["q"] * _VOTES, drawn, np.tile([1.0, 0.0], _VOTES // 2),
                np.zeros(_VOTES, dtype=bool), _VOTES, step,
            )  # fmt: skip
            with timed(setting.device) as cost:
                metrics = agent.learn(rollout)
        report.confirm(f"{name}: rows are packed", agent.packed)
        report.confirm(f"{name}: the update is taken", metrics["skipped"] == 0)
        report.measure(f"{name}: trained tokens per second", tokens / cost.seconds, "tokens/s")
        # The gradient takes 6 FLOPs a weight and token, the reference's pass 2.
        flops = 8.0 * shape.weights * tokens / cost.seconds
        _report_share(report, setting, f"{name}: share of the card's peak", flops)
        _report_peak(report, name, cost, plan)
        del agent, policy
        _free(setting)


def _plan(
    report: Report, setting: Setting, config: TrainConfig, shape: ModelShape
) -> tuple[TrainConfig, Plan] | None:
    """Returns the options that the memory plan completes, or `None` if the model does not fit."""
    memory = 8.0 * GIB if setting.toy else float(torch.cuda.mem_get_info(setting.device)[0])
    try:
        return choose(config, need_of(config, shape, memory, setting.dtype.itemsize))
    except AgentError as error:
        report.skip(shape.name, str(error))
        return None


def _completions(vocabulary: int, cap: int) -> list[Completion]:
    """Returns completions with lengths as of answers to a mathematical question."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(0.23 * cap), 0.7, _VOTES), 4, cap).astype(int)
    return [
        Completion("x", token_ids=rng.integers(4, vocabulary, n), log_probs=np.zeros(n))
        for n in lengths
    ]


def _report_share(report: Report, setting: Setting, name: str, flops: float) -> None:
    peak = peak_flops(setting.card)
    if peak is None:
        report.skip(name, f"the peak of {setting.card} is not known here")
        return
    report.measure(name, 100 * flops / peak, "%")


def _report_peak(report: Report, name: str, cost: Cost, plan: Plan) -> None:
    if cost.peak_gib is None:
        report.skip(f"{name}: peak memory", "PyTorch counts that of a GPU alone")
        return
    planned = (sum(plan.kept.values()) + sum(plan.learning.values())) / GIB
    report.measure(f"{name}: peak memory", cost.peak_gib, "GiB")
    report.check(f"{name}: peak over plan", cost.peak_gib / planned, at_most=_PLAN_MARGIN)


def head(report: Report, setting: Setting) -> None:
    """Measures log-probabilities of 65,536 tokens over 151,936 words, forward and backward."""
    tokens, width, words = (256, 64, 2048) if setting.toy else (65_536, 1536, 151_936)
    torch.manual_seed(0)
    options: dict[str, Any] = {"device": setting.device, "dtype": setting.dtype}
    hidden = torch.randn(tokens, width, **options).requires_grad_()
    weight = (torch.randn(words, width, **options) * width**-0.5).requires_grad_()
    targets = torch.randint(words, (tokens,), device=setting.device)
    values: dict[str, torch.Tensor] = {}
    ways: dict[str, int | None] = {"PyTorch": _TORCH_CHUNK}
    reason = why_not_tiled(setting.device)
    if reason is None:
        ways["Triton"] = None
    else:
        report.skip("Triton", reason)
    for name, chunk in ways.items():
        for _ in range(2):  # the first compiles
            hidden.grad = weight.grad = None
            with timed(setting.device) as cost:
                found, _ = head_log_probs(
                    hidden, weight, None, targets, 1.0, entropy="none", chunk=chunk
                )
                found.sum().backward()
        values[name] = found.detach().double()
        report.measure(f"{name}: forward and backward", cost.seconds, "s")
        if cost.peak_gib is not None:
            report.measure(f"{name}: peak memory", cost.peak_gib, "GiB")
        # Two passes over the head forward, of which one is the recomputation, and two backward.
        flops = 8.0 * tokens * width * words / cost.seconds
        _report_share(report, setting, f"{name}: share of the card's peak", flops)
    if "Triton" in values:
        gap = (values["Triton"] - values["PyTorch"]).abs().max()
        report.check("Triton against PyTorch", float(gap), at_most=1e-3, unit="nats")


def adapters(report: Report, setting: Setting) -> None:
    """Measures the gradient of a micro-batch of 7B with LoRA, as the plan would have it."""
    (shape,) = setting.shapes("Qwen2.5-7B")
    rank, length = 64, 40 if setting.toy else 1024
    config = TrainConfig(lora_rank=rank, max_tokens=length, max_prompt_tokens=_PROMPT)
    if _plan(report, setting, config, shape) is None:
        return
    policy = add_adapters(setting.policy(shape, _PROMPT), rank=rank)
    prompts = policy.encode_prompts(["q"] * 4)
    rng = np.random.default_rng(0)
    ids = [rng.integers(4, policy.vocabulary_size, length) for _ in range(4)]
    for again in (True, False):
        what = f"{shape.name}, LoRA {rank}, layers {'computed again' if again else 'kept'}"
        batch = TokenBatch.from_ids(prompts, ids, pad_token_id=0, device=setting.device)
        scorer = LogProbs(policy, gradient_checkpointing=again)
        try:
            with timed(setting.device) as cost:
                scorer(batch, 1.0, entropy="none")[0].sum().backward()
        except torch.OutOfMemoryError as error:
            report.skip(what, f"out of memory: {str(error).splitlines()[0][:160]}")
            _free(setting)
            continue
        report.measure(f"{what}: 4 x {length} tokens", cost.seconds, "s")
        if cost.peak_gib is not None:
            report.measure(f"{what}: peak memory", cost.peak_gib, "GiB")


def _free(setting: Setting) -> None:
    gc.collect()
    if not setting.toy:
        torch.cuda.empty_cache()
