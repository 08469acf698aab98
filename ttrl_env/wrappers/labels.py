"""The way to the labels of an environment.

- `benchmark_with_labels`: the benchmark with its labels.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

from ttrl_benchmarks import Benchmark
from ttrl_env.wrappers.attributes import find_attribute

__all__ = ["benchmark_with_labels"]

_LABELLED = "_labelled_benchmark"


def benchmark_with_labels(env: gym.Env[Any, Any] | VectorEnv[Any, Any, Any]) -> Benchmark:
    """Returns the benchmark of an environment with its labels, for metrics and for `oracle`.

    A search for the name of this function and for `reveal(` finds every reader of labels.

    Args:
        env: An environment of this package, single or vector, wrapped or not.

    Raises:
        ValueError: It has no benchmark.

    >>> import ttrl_env
    >>> env = gym.make("TTRL-Arithmetic-v0", size=5)
    >>> env.unwrapped.benchmark.labels, benchmark_with_labels(env).labels
    (<0 sealed labels>, <5 sealed labels>)
    """
    if isinstance(env, gym.Env):
        found = getattr(env.unwrapped, _LABELLED, None)
        if found is None:
            found = getattr(env.unwrapped, "benchmark", None)
        if not isinstance(found, Benchmark):
            raise ValueError(f"{env!r} has no benchmark")
        return found
    try:
        labelled: Benchmark = find_attribute(env, _LABELLED)
    except ValueError:  # an environment of another package, which keeps nothing apart
        labelled = find_attribute(env, "benchmark")
    return labelled
