"""The questions of an environment.

- `questions_of`: by environment id.
- `has_held_out_split`: whether an environment makes held-out questions of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym

from ttrl_agents.errors import AgentError
from ttrl_benchmarks import Benchmark
from ttrl_env.registration import ENV_IDS, check_env_id

__all__ = ["has_held_out_split", "questions_of"]


def questions_of(env_id: str, *, data: Path | None = None, split: str | None = None) -> Benchmark:
    """Returns the benchmark of an environment.

    Args:
        env_id: The environment.
        data: The file of questions, for benchmarks that have one.
        split: `"train"` or `"held_out"`, for benchmarks that have splits of their own.

    Raises:
        AgentError: The environment asks no questions, or has no splits.
        UnknownNameError: There is no such environment.
    """
    check_env_id(env_id)
    if split is not None and not has_held_out_split(env_id):
        raise AgentError(f"Environment {env_id!r} has no split of its own; leave out --split.")
    options: dict[str, Any] = {"path": data, "split": split}
    env = gym.make(env_id, **{name: each for name, each in options.items() if each is not None})
    benchmark = getattr(env.unwrapped, "benchmark", None)
    if not isinstance(benchmark, Benchmark):
        raise AgentError(
            f"Environment {env_id!r} asks no questions. Use one of {', '.join(ENV_IDS)}, or "
            "register your own with the entry points of ttrl_env."
        )
    return benchmark


def has_held_out_split(env_id: str) -> bool:
    """Whether an environment makes held-out questions of its own, as arithmetic does.

    >>> has_held_out_split("TTRL-Arithmetic-v0"), has_held_out_split("TTRL-AIME24-v0")
    (True, False)
    """
    return gym.spec(env_id).kwargs.get("benchmark") == "arithmetic"
