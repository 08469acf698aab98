"""The questions of an environment.

- `questions_of`: by environment id.
- `held_out_split`: the name of the split in which a benchmark holds questions out, if it does.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym

from ttrl_agents.errors import AgentError
from ttrl_benchmarks import Benchmark, benchmark_card
from ttrl_env.envs import TTRLEnv
from ttrl_env.registration import ENV_IDS, check_env_id

__all__ = ["held_out_split", "questions_of"]

_SET_BY_THE_RUN = frozenset(inspect.signature(TTRLEnv).parameters)


def questions_of(
    env_id: str,
    *,
    data: Path | None = None,
    split: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Benchmark:
    """Returns the benchmark of an environment.

    Args:
        env_id: The environment.
        data: The file of questions, for benchmarks that have one.
        split: `"train"` or `"held_out"`, for benchmarks that have splits of their own.
        options: More options of the benchmark itself.

    Raises:
        AgentError: The environment asks no questions, has no splits, or an option is given twice
            or is not the benchmark's.
        BenchmarkError: The benchmark has no such option, or cannot be loaded.
        UnknownNameError: There is no such environment.
    """
    check_env_id(env_id)
    if split is not None and held_out_split(env_id) is None:
        raise AgentError(f"Environment {env_id!r} has no split of its own; leave out --split.")
    given = {"path": data, "split": split}
    named: dict[str, Any] = {name: each for name, each in given.items() if each is not None}
    more = dict(options or {})
    for name in more:
        if name in named:
            raise AgentError(f"{name} is given twice; leave it out of --env-options.")
        if name in _SET_BY_THE_RUN:
            raise AgentError(
                f"--env-options takes options of the benchmark; {name} is the environment's, and "
                "the run sets it."
            )
    try:
        env = gym.make(env_id, **named, **more)
    except TypeError as error:
        if not more:
            raise
        raise AgentError(f"Environment {env_id!r} refuses --env-options: {error}") from error
    benchmark = getattr(env.unwrapped, "benchmark", None)
    if not isinstance(benchmark, Benchmark):
        raise AgentError(
            f"Environment {env_id!r} asks no questions. Use one of {', '.join(ENV_IDS)}, or "
            "register your own with the entry points of ttrl_env."
        )
    return benchmark


def held_out_split(env_id: str) -> str | None:
    """Returns the split in which a benchmark holds out questions of its own, if it has one.

    >>> held_out_split("TTRL-Arithmetic-v0"), held_out_split("TTRL-AIME24-v0")
    ('held_out', None)
    """
    name = gym.spec(env_id).kwargs.get("benchmark")
    return benchmark_card(name).held_out_split if isinstance(name, str) else None
