"""Environments whose actions are single tokens.

- `make_token_envs`: a `TokenVectorEnv` for an environment id and a policy.
- `token_codec`: the policy's tokenizer, as the environment takes it.
"""

from __future__ import annotations

from typing import Any

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy
from ttrl_agents.run.env_questions import questions_of
from ttrl_benchmarks import Benchmark
from ttrl_env.envs import TokenCodec, TokenVectorEnv

__all__ = ["make_token_envs", "token_codec"]


def token_codec(policy: Policy) -> TokenCodec:
    """Returns a policy's tokenizer: its chat template, its logits' width, its ids."""
    return TokenCodec(
        encode=lambda prompt: policy.encode_prompts([prompt])[0],
        decode=lambda ids: policy.decode([ids])[0],
        vocabulary_size=policy.vocabulary_size,
        end_token_ids=tuple(policy.end_token_ids),
        pad_token_id=policy.pad_token_id,
    )


def make_token_envs(
    env_id: str,
    policy: Policy,
    num_envs: int,
    group_size: int = 16,
    *,
    benchmark: Benchmark | None = None,
    max_tokens: int = 256,
    **options: Any,
) -> TokenVectorEnv:
    """Makes a `TokenVectorEnv` of the questions of an environment.

    Args:
        env_id: A registered id, e.g. `"TTRL-Arithmetic-v0"`.
        policy: The language model that will write; only its tokenizer is used.
        num_envs: Completions written at once; a multiple of `group_size`.
        group_size: Completions of one question.
        benchmark: The questions, where they are loaded already; by default those of `env_id`.
        max_tokens: The most tokens of a completion.
        **options: Other arguments of `TokenVectorEnv`.

    Raises:
        AgentError: A prompt and its completion may not fit into the model, or the environment
            asks no questions.
        UnknownNameError: There is no environment of this id.
        ValueError: `num_envs` is not a multiple of `group_size`.
    """
    if benchmark is None:
        benchmark = questions_of(env_id)
    envs = TokenVectorEnv(
        num_envs,
        benchmark,
        group_size,
        tokens=token_codec(policy),
        max_tokens=max_tokens,
        **options,
    )
    limit, longest = policy.max_length, envs.max_prompt_tokens
    if limit is not None and longest + max_tokens > limit:
        raise AgentError(
            f"A prompt of {longest} tokens and max_tokens={max_tokens} exceed the {limit} "
            f"positions of model {policy.name!r}. Use max_tokens={max(1, limit - longest)} or less."
        )
    return envs
