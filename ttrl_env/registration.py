"""The Gymnasium ids of the environments, one for each benchmark.

- `ENV_IDS`: the ids, each with its benchmark.
- `register_envs`: registers them; called once, when `ttrl_env` is imported.
- `check_env_id`: raises with the close names where an id is unknown.
- `benchmark_of`: the benchmark that an environment asks, by its id.
"""

from __future__ import annotations

import inspect
from typing import Any

import gymnasium as gym

from ttrl_benchmarks import Benchmark, BenchmarkCard, BenchmarkError, watch_benchmarks
from ttrl_benchmarks.errors import unknown_name
from ttrl_env.envs.asking import resolve_benchmark
from ttrl_env.envs.question_env import TTRLEnv
from ttrl_env.envs.vector_env import TTRLVectorEnv, make_vector_env

__all__ = ["ENV_IDS", "benchmark_of", "check_env_id", "register_envs"]

ENV_IDS: dict[str, dict[str, str]] = {}

_MAKERS = (TTRLEnv, TTRLVectorEnv, make_vector_env)


def register_envs() -> None:
    """Registers the environment of every benchmark, now and whenever a benchmark is registered.

    Ids that Gymnasium knows already are left alone.
    """
    watch_benchmarks(_add, _remove)


def check_env_id(env_id: str) -> None:
    """Checks that an environment of this id is registered.

    Raises:
        UnknownNameError: It is not; the message lists the names that come close.
    """
    if env_id not in gym.registry:
        raise unknown_name("environment", env_id, ENV_IDS)


def benchmark_of(env_id: str, **options: Any) -> Benchmark:
    """Returns the benchmark that an environment asks, without making the environment.

    Args:
        env_id: The id of the environment.
        **options: Options of the benchmark, e.g. `path` or `split`, besides those that the id was
            registered with.

    Raises:
        UnknownNameError: There is no such environment, or the benchmark has no such option.
        BenchmarkError: The environment was not registered with a benchmark, or the benchmark
            cannot be loaded.
        TypeError: The id was registered with a loaded benchmark, and there are options.

    >>> len(benchmark_of("TTRL-Arithmetic-v0", size=20))
    20
    """
    check_env_id(env_id)
    registered = dict(gym.spec(env_id).kwargs)
    benchmark = registered.pop("benchmark", None)
    if not isinstance(benchmark, str | Benchmark):
        raise BenchmarkError(
            f"Environment {env_id!r} asks no questions. Use one of {', '.join(ENV_IDS)}, or "
            "add your own with ttrl_benchmarks.register_benchmark."
        )
    own = {name for maker in _MAKERS for name in inspect.signature(maker).parameters}
    kept = {name: value for name, value in registered.items() if name not in own}
    return resolve_benchmark(benchmark, kept | options, *_MAKERS)


def _add(card: BenchmarkCard) -> None:
    ENV_IDS[card.env_id] = {"benchmark": card.name}
    if card.env_id not in gym.registry:
        gym.register(
            id=card.env_id,
            entry_point="ttrl_env.envs.question_env:TTRLEnv",
            vector_entry_point="ttrl_env.envs.vector_env:make_vector_env",
            kwargs={"benchmark": card.name},
        )


def _remove(card: BenchmarkCard) -> None:
    del ENV_IDS[card.env_id]
    gym.registry.pop(card.env_id, None)
