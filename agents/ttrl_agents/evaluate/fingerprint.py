"""The settings that identify an evaluation: model, questions, sampling.

- `evaluation_settings`: the settings, as `config.json` holds them.
- `weights_digest`, `questions_digest`: whether a model and questions are still the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from ttrl_agents.distributed.sharding import full
from ttrl_agents.policy.policy import Policy
from ttrl_agents.policy.prompts import encode_questions
from ttrl_agents.samplers import SamplingParams
from ttrl_benchmarks import Benchmark, Question

__all__ = ["evaluation_settings", "questions_digest", "weights_digest"]

_VALUES_OF_EACH = 256


def evaluation_settings(
    *,
    model: str,
    weights: str | None,
    env: str,
    benchmark: Benchmark,
    questions: Sequence[Question],
    k: int,
    params: SamplingParams,
    seed: int,
    policy: Policy | None = None,
) -> dict[str, Any]:
    """Returns the settings of an evaluation as JSON.

    With a policy they hold a fingerprint of the prompts in tokens as well, so that another chat
    template or tokenizer shows.
    """
    prompts = None if policy is None else encode_questions(policy, benchmark, questions).digest
    return {
        "model": model,
        "env": env,
        "benchmark": benchmark.name,
        "k": k,
        "temperature": params.temperature,
        "top_p": params.top_p,
        "max_tokens": params.max_tokens,
        "stop_at_box": params.stop_at_box,
        "seed": seed,
        "weights": weights,
        "questions": questions_digest(benchmark, questions),
        "prompts": prompts,
    }


def weights_digest(policy: Policy) -> str:
    """Returns a fingerprint of a model's weights.

    It looks at names, shapes and a few hundred values of each tensor, which every training step
    changes, so it is quick for a large model too. It does not detect deliberate tampering.
    """
    digest = hashlib.sha256()
    for name, tensor in policy.model.named_parameters():
        values = full(tensor.detach()).reshape(-1)
        some = values[:: max(1, values.numel() // _VALUES_OF_EACH)].to("cpu", torch.float32)
        digest.update(f"{name} {tuple(tensor.shape)}".encode() + some.numpy().tobytes())
    return digest.hexdigest()[:16]


def questions_digest(benchmark: Benchmark, questions: Iterable[Question]) -> str:
    """Returns a fingerprint of questions: their ids, prompts and labels, in their order."""
    digest = hashlib.sha256(benchmark.answer_format.encode())
    for question in questions:
        row = [question.id, benchmark.prompt(question), benchmark.labels.reveal(question.id)]
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()[:16]
