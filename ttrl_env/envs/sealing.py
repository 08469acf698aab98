"""The labels of an environment, apart from what a policy or a reward comes across.

- `SealedBenchmark`: the part of an environment that keeps them apart.

The way to them is `ttrl_env.benchmark_with_labels`. An environment's `benchmark` has no labels, nor
has the benchmark in its `spec`. This guards against accidents, in one's own code or a plug-in's. It
does not guard against code that means to read them: Python has nothing that a program in the same
process could not open.
"""

from __future__ import annotations

import copy

from gymnasium.envs.registration import EnvSpec

from ttrl_benchmarks import Benchmark

__all__ = ["SealedBenchmark"]


class SealedBenchmark:
    """The part of an environment that keeps the labels of its benchmark apart.

    Attributes:
        benchmark: What the environment asks, without labels.
    """

    benchmark: Benchmark
    _labelled_benchmark: Benchmark
    _spec: EnvSpec | None = None

    def seal(self, benchmark: Benchmark) -> None:
        """Sets the benchmark of the environment."""
        self._labelled_benchmark = benchmark
        self.benchmark = benchmark.unlabeled()

    @property
    def spec(self) -> EnvSpec | None:
        """How Gymnasium made the environment; a benchmark in it has no labels."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        given = None if spec is None else spec.kwargs.get("benchmark")
        if spec is not None and isinstance(given, Benchmark):
            spec = copy.copy(spec)
            spec.kwargs = {**spec.kwargs, "benchmark": given.unlabeled()}
        self._spec = spec
