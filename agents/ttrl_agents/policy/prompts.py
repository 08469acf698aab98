"""The prompts of questions as a model reads them: how long they are, and whether they fit.

- `EncodedPrompts`: the lengths of prompts in tokens, and a fingerprint of them all.
- `encode_questions`: those of a benchmark.
- `check_room`: raises where prompts leave no room for completions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy
from ttrl_benchmarks import Benchmark, Question
from ttrl_benchmarks.printable import counted

__all__ = ["EncodedPrompts", "check_room", "encode_questions"]

# More prompts than this are encoded part by part, and again when they are asked.
_REMEMBERED = 20_000


@dataclass(frozen=True)
class EncodedPrompts:
    """Prompts in tokens.

    Attributes:
        lengths: How many tokens the prompt of each question has.
        digest: A fingerprint of all tokens: of template, tokenizer and questions together.
    """

    lengths: tuple[int, ...]
    digest: str


def encode_questions(
    policy: Policy, benchmark: Benchmark, questions: Sequence[Question] | None = None
) -> EncodedPrompts:
    """Encodes the prompts of questions.

    Args:
        policy: The model and its tokenizer.
        benchmark: The benchmark that the questions belong to.
        questions: The questions; by default all.

    Raises:
        AgentError: The chat template or the tokenizer fails.
    """
    digest = hashlib.sha256()
    lengths: list[int] = []
    questions = benchmark.questions if questions is None else questions
    count = len(questions)
    for start in range(0, count, _REMEMBERED):
        part = questions[start : start + _REMEMBERED]
        for ids in policy.encode_prompts([benchmark.prompt(question) for question in part]):
            digest.update(f"{len(ids)}:{','.join(map(str, ids))};".encode())
            lengths.append(len(ids))
        if count > _REMEMBERED:
            policy.forget_prompts()
    return EncodedPrompts(tuple(lengths), digest.hexdigest()[:16])


def check_room(
    policy: Policy,
    questions: Sequence[Question],
    lengths: Sequence[int],
    max_tokens: int,
    *,
    engine_limit: int | None = None,
) -> None:
    """Checks that every prompt leaves room for a completion.

    Args:
        policy: The model.
        questions: The questions.
        lengths: How many tokens the prompt of each has.
        max_tokens: The most tokens of a completion.
        engine_limit: The most tokens of a prompt and its completion that an engine prepares for.

    Raises:
        AgentError: Some do not; the message names the longest, and the ways out.
    """
    limits = [each for each in (policy.max_length, engine_limit) if each is not None]
    limit = min(limits, default=None)
    if limit is None or max(lengths) + max_tokens <= limit:
        return
    room = limit - max_tokens
    long = [n for n, length in enumerate(lengths) if length > room]
    longest = max(long, key=lengths.__getitem__)
    ways = (
        [f"use --max-tokens {limit - lengths[longest]} or fewer"]
        if lengths[longest] < limit
        else []
    )
    if len(long) < len(lengths):
        ways.append(
            f"leave them out with --max-prompt-tokens {room}, which keeps "
            f"{counted(len(lengths) - len(long), 'question')}"
        )
    if limit != policy.max_length:
        ways.append(f"prepare for more with --engine-max-length {lengths[longest] + max_tokens}")
        who = "the engine"
    else:
        ways.append("take a model with more room")
        who = f"model {policy.name!r}"
    raise AgentError(
        f"Prompts that are too long: {len(long)} of {len(lengths)}. With --max-tokens "
        f"{max_tokens} they exceed the {limit} positions of {who}. The longest, of question "
        f"{questions[longest].id!r}, has {lengths[longest]} tokens. "
        f"Ways out: {'; '.join(ways)}."
    )
