"""Rewards by name.

- `REWARDS`: the names, each with what makes the estimator for a benchmark.
- `resolve_estimator`: a name or an estimator as an estimator.
"""

from __future__ import annotations

from collections.abc import Callable

from ttrl_benchmarks import Benchmark
from ttrl_benchmarks.errors import unknown_name
from ttrl_env.consensus.ballot import Estimator
from ttrl_env.consensus.controls import Oracle, Random
from ttrl_env.consensus.majority import Majority

__all__ = ["REWARDS", "resolve_estimator"]

REWARDS: dict[str, Callable[[Benchmark], Estimator]] = {
    "majority": lambda _: Majority(),
    "oracle": lambda benchmark: Oracle(benchmark.labels, benchmark.answer_format),
    "random": lambda _: Random(),
}


def resolve_estimator(reward: str | Estimator, benchmark: Benchmark) -> Estimator:
    """Returns the estimator of this name, or the estimator itself.

    Args:
        reward: A name in `REWARDS`, or any `(Ballot) -> Verdict`.
        benchmark: What the environment asks; only `"oracle"` reads its labels.

    Raises:
        UnknownNameError: There is no reward of this name; the message lists the close ones.
        TypeError: `reward` is neither a name nor callable.
    """
    if isinstance(reward, str):
        if reward not in REWARDS:
            raise unknown_name("reward", reward, REWARDS)
        return REWARDS[reward](benchmark)
    if not callable(reward):
        raise TypeError(f"a reward is a name or a callable (Ballot) -> Verdict, not {reward!r}")
    return reward
