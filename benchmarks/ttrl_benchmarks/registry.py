"""Every benchmark by name.

- `load_benchmark`: loads one.
- `list_benchmarks`: the cards of all.
- `benchmark_card`: the card of one.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ttrl_benchmarks import aime24, amc, math500
from ttrl_benchmarks.base import Benchmark
from ttrl_benchmarks.card import BenchmarkCard
from ttrl_benchmarks.errors import BenchmarkError, unknown_name

__all__ = ["benchmark_card", "list_benchmarks", "load_benchmark"]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One benchmark: its card, its loader as `"module:function"`, and options set for it."""

    card: BenchmarkCard
    loader: str
    options: Mapping[str, object] = field(default_factory=dict)


ARITHMETIC_CARD = BenchmarkCard(
    name="arithmetic",
    title="Arithmetic",
    env_id="TTRL-Arithmetic-v0",
    answer_format="integer",
    size=None,
    licence="MIT (part of this package)",
    citation="Made by ttrl-env.",
)

_ENTRIES = {
    entry.card.name: entry
    for entry in (
        _Entry(aime24.CARD, "ttrl_benchmarks.aime24:load"),
        _Entry(amc.CARD, "ttrl_benchmarks.amc:load"),
        _Entry(math500.CARD, "ttrl_benchmarks.math500:load"),
        *(
            _Entry(card, "ttrl_benchmarks.math500:load", {"level": level})
            for level, card in math500.LEVEL_CARDS.items()
        ),
        _Entry(ARITHMETIC_CARD, "ttrl_benchmarks.arithmetic:load"),
    )
}


def load_benchmark(name: str, **options: Any) -> Benchmark:
    """Loads a benchmark by name.

    Args:
        name: Its name, e.g. `"aime24"` or `"math500-l3"`; case does not matter.
        **options: What its own `load` takes: `path=` and `instruction=` for published
            benchmarks, more for those that are made.

    Raises:
        UnknownNameError: There is no such benchmark, or it has no such option.
        BenchmarkError: It cannot be had, read or believed.
    """
    entry = _entry(name)
    module_name, _, function_name = entry.loader.partition(":")
    loader: Callable[..., Benchmark] = getattr(importlib.import_module(module_name), function_name)
    known = inspect.signature(loader).parameters
    for option in options:
        if option not in known or option in entry.options:
            free = [parameter for parameter in known if parameter not in entry.options]
            raise unknown_name(f"option of benchmark {entry.card.name!r}", option, free)
    for parameter in known.values():
        if parameter.default is parameter.empty and parameter.name not in options:
            raise BenchmarkError(
                f"Benchmark {entry.card.name!r} needs {parameter.name}=...; give it."
            )
    return loader(**entry.options, **options)


def list_benchmarks() -> list[BenchmarkCard]:
    """Returns the card of every benchmark, in the order of the documentation.

    >>> [card.name for card in list_benchmarks()][:2]
    ['aime24', 'amc']
    """
    return [entry.card for entry in _ENTRIES.values()]


def benchmark_card(name: str) -> BenchmarkCard:
    """Returns the card of a benchmark.

    Raises:
        UnknownNameError: There is no such benchmark.
    """
    return _entry(name).card


def _entry(name: str) -> _Entry:
    entry = _ENTRIES.get(name.lower())
    if entry is None:
        raise unknown_name("benchmark", name, _ENTRIES)
    return entry
