"""Benchmarks for test-time reinforcement learning: open questions, sealed labels.

- `load_benchmark`, `fetch_benchmark`, `list_benchmarks`, `benchmark_card`, `benchmark_options`:
  every benchmark by name.
- `Benchmark`, `Question`, `SealedLabels`: what a benchmark is.
- `register_benchmark`, `unregister_benchmark`, `watch_benchmarks`: adds a benchmark, takes it back,
  and follows which there are.
- `BenchmarkCard`, `HubFile`, `BenchmarkListing`: what is known of one before it is read.
- `UserError`, `BenchmarkError`, `UnknownNameError`, `BenchmarkWarning`: what goes wrong, and what
  to do.
"""

from ttrl_benchmarks.base import Benchmark, Question, SealedLabels
from ttrl_benchmarks.card import PAPER_INSTRUCTION, BenchmarkCard, HubFile
from ttrl_benchmarks.entries import (
    register_benchmark,
    unregister_benchmark,
    watch_benchmarks,
)
from ttrl_benchmarks.errors import BenchmarkError, BenchmarkWarning, UnknownNameError, UserError
from ttrl_benchmarks.registry import (
    BenchmarkListing,
    benchmark_card,
    benchmark_options,
    fetch_benchmark,
    list_benchmarks,
    load_benchmark,
)

__all__ = [
    "PAPER_INSTRUCTION",
    "Benchmark",
    "BenchmarkCard",
    "BenchmarkError",
    "BenchmarkListing",
    "BenchmarkWarning",
    "HubFile",
    "Question",
    "SealedLabels",
    "UnknownNameError",
    "UserError",
    "benchmark_card",
    "benchmark_options",
    "fetch_benchmark",
    "list_benchmarks",
    "load_benchmark",
    "register_benchmark",
    "unregister_benchmark",
    "watch_benchmarks",
]
