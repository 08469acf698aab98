"""Every benchmark by name.

- `load_benchmark`: loads one.
- `fetch_benchmark`: downloads and verifies the file of one.
- `list_benchmarks`: all of them, and whether their files are at hand; `BenchmarkListing` is a row.
- `benchmark_card`: what is known of one before it is read.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ttrl_benchmarks import aime24, aime25, amc, gpqa, math500, questions, reasoning_gym
from ttrl_benchmarks.base import AnswerFormat, Benchmark
from ttrl_benchmarks.card import BenchmarkCard
from ttrl_benchmarks.errors import BenchmarkError, unknown_name
from ttrl_benchmarks.hub import cached_file, fetch_file
from ttrl_benchmarks.options import check_options
from ttrl_benchmarks.published import find_at_hand

__all__ = [
    "BenchmarkListing",
    "benchmark_card",
    "fetch_benchmark",
    "list_benchmarks",
    "load_benchmark",
]


@dataclass(frozen=True, slots=True)
class BenchmarkListing:
    """One row of the list of benchmarks.

    Attributes:
        name: The name that `load_benchmark` takes.
        title: The name that people use.
        env_id: The Gymnasium id of its environment.
        questions: How many questions it has, or `None` where you decide.
        levels: The difficulty levels of its questions, if any.
        answer_format: How its answers are extracted and compared.
        file: Its file in `TTRL_DATA_DIR` or the download cache, or `None`.
        needs_download: Whether it has a file to be downloaded at all.
        licence: The terms that the publisher states.
        source: Where its questions come from, in a few words.
    """

    name: str
    title: str
    env_id: str
    questions: int | None
    levels: tuple[int, ...]
    answer_format: AnswerFormat
    file: Path | None
    needs_download: bool
    licence: str
    source: str

    @property
    def cached(self) -> bool:
        """Whether it can be loaded without a download."""
        return self.file is not None or not self.needs_download


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
    citation="",
    made_by="this package",
    held_out_split="held_out",
)

_ENTRIES = {
    entry.card.name: entry
    for entry in (
        _Entry(aime24.CARD, "ttrl_benchmarks.aime24:load"),
        _Entry(aime25.CARD, "ttrl_benchmarks.aime25:load"),
        _Entry(amc.CARD, "ttrl_benchmarks.amc:load"),
        _Entry(math500.CARD, "ttrl_benchmarks.math500:load"),
        *(
            _Entry(card, "ttrl_benchmarks.math500:load", {"level": level})
            for level, card in math500.LEVEL_CARDS.items()
        ),
        _Entry(gpqa.CARD, "ttrl_benchmarks.gpqa:load"),
        _Entry(ARITHMETIC_CARD, "ttrl_benchmarks.arithmetic:load"),
        _Entry(questions.CARD, "ttrl_benchmarks.questions:load"),
        _Entry(reasoning_gym.CARD, "ttrl_benchmarks.reasoning_gym:load"),
    )
}


def load_benchmark(name: str, **options: Any) -> Benchmark:
    """Loads a benchmark by name.

    Args:
        name: Its name, e.g. `"aime24"` or `"math500-l3"`; case does not matter.
        **options: What its own `load` takes: `path=`, `instruction=` and `download=` for
            published benchmarks, more for those that are made or yours.

    Raises:
        UnknownNameError: There is no such benchmark, or it has no such option.
        BenchmarkError: An option has a value of the wrong type or is missing, or the benchmark
            cannot be had, read or believed.
    """
    entry = _entry(name)
    module_name, _, function_name = entry.loader.partition(":")
    loader: Callable[..., Benchmark] = getattr(importlib.import_module(module_name), function_name)
    check_options(f"benchmark {entry.card.name!r}", loader, options, taken=entry.options)
    return loader(**entry.options, **options)


def fetch_benchmark(
    name: str,
    *,
    progress: bool = True,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | None = None,
) -> Path:
    """Downloads a benchmark's file, unless a verified copy is cached, and verifies it.

    Args:
        name: The benchmark's name.
        progress: Whether to show a progress bar, on standard error.
        cache_dir: Where to keep it instead of the Hugging Face cache; `load_benchmark` looks in
            the latter.
        token: The Hub token, for gated files; otherwise the one that is logged in with.

    Returns:
        The file in the cache.

    Raises:
        UnknownNameError: There is no such benchmark.
        BenchmarkError: It has no file to download, or the file cannot be had.
    """
    card = benchmark_card(name)
    if card.hub is None:
        raise BenchmarkError(
            f"Benchmark {card.name!r} has nothing to download, as its questions come from "
            f"{card.source}; load it as it is."
        )
    return fetch_file(card.hub, card.title, progress=progress, cache_dir=cache_dir, token=token)


def list_benchmarks() -> list[BenchmarkListing]:
    """Returns every benchmark, in the order of the documentation.

    >>> [row.name for row in list_benchmarks()][:3]
    ['aime24', 'aime25', 'amc']
    """
    return [_listing(entry.card) for entry in _ENTRIES.values()]


def benchmark_card(name: str) -> BenchmarkCard:
    """Returns what is known of a benchmark before it is read.

    Raises:
        UnknownNameError: There is no such benchmark.

    >>> benchmark_card("aime24").hub.page
    'HuggingFaceH4/aime_2024@2fe88a2'
    """
    return _entry(name).card


def _listing(card: BenchmarkCard) -> BenchmarkListing:
    file = None
    if card.hub is not None:
        file = find_at_hand(card) or cached_file(card.hub)
    return BenchmarkListing(
        name=card.name,
        title=card.title,
        env_id=card.env_id,
        questions=card.size,
        levels=card.levels,
        answer_format=card.answer_format,
        file=file,
        needs_download=card.hub is not None,
        licence=card.licence,
        source=card.source,
    )


def _entry(name: str) -> _Entry:
    entry = _ENTRIES.get(name.lower())
    if entry is None:
        raise unknown_name("benchmark", name, _ENTRIES)
    return entry
