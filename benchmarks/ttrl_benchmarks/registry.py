"""Every benchmark by name.

- `load_benchmark`: loads one.
- `fetch_benchmark`: downloads and verifies the file of one.
- `list_benchmarks`: all of them, and whether their files are here; `BenchmarkListing` is a row.
- `benchmark_card`, `benchmark_options`: what is known of one before it is read.

Every module of this package is imported here, and those of benchmarks register themselves.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ttrl_benchmarks.base import AnswerFormat, Benchmark
from ttrl_benchmarks.card import BenchmarkCard
from ttrl_benchmarks.entries import BENCHMARKS, BenchmarkEntry
from ttrl_benchmarks.errors import BenchmarkError, unknown_name
from ttrl_benchmarks.hub import cached_file, fetch_file
from ttrl_benchmarks.options import check_options, option_names
from ttrl_benchmarks.published import find_at_hand

__all__ = [
    "BenchmarkListing",
    "benchmark_card",
    "benchmark_options",
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


def _import_benchmarks() -> None:
    """Imports every module of this package; those of benchmarks register themselves."""
    package = __package__ or ""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if f"{package}.{module.name}" != __name__:
            importlib.import_module(f"{package}.{module.name}")
    BENCHMARKS.close_own()


def load_benchmark(name: str, **options: Any) -> Benchmark:
    """Loads a benchmark by name.

    Args:
        name: Its name, e.g. `"aime24"` or `"math500-l3"`; case does not matter.
        **options: What its own `load` takes: `path=`, `instruction=` and `download=` for
            published benchmarks, more for those that are made or yours.

    Raises:
        UnknownNameError: There is no such benchmark, or it has no such option.
        BenchmarkError: An option has a value of the wrong type or is missing, or the benchmark
            cannot be found or read, or is not the one that it should be.
    """
    entry = _entry(name)
    check_options(f"benchmark {entry.card.name!r}", entry.load, options, taken=entry.options)
    return entry.load(**entry.options, **options)


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
        BenchmarkError: It has no file to download, or the download failed.
    """
    card = benchmark_card(name)
    if card.hub is None:
        raise BenchmarkError(
            f"Benchmark {card.name!r} has nothing to download, as its questions come from "
            f"{card.source}; load it as it is."
        )
    return fetch_file(card.hub, card.title, progress=progress, cache_dir=cache_dir, token=token)


def list_benchmarks() -> list[BenchmarkListing]:
    """Returns every benchmark, the published ones first.

    >>> [row.name for row in list_benchmarks()][:3]
    ['aime24', 'aime25', 'amc']
    """
    return [_listing(entry.card) for entry in BENCHMARKS.values()]


def benchmark_card(name: str) -> BenchmarkCard:
    """Returns what is known of a benchmark before it is read.

    Raises:
        UnknownNameError: There is no such benchmark.

    >>> benchmark_card("aime24").hub.page
    'HuggingFaceH4/aime_2024@2fe88a2'
    """
    return _entry(name).card


def benchmark_options(name: str) -> dict[str, bool]:
    """Returns the options that a benchmark takes, and whether it needs each.

    Raises:
        UnknownNameError: There is no such benchmark.

    >>> benchmark_options("questions")["path"], "path" in benchmark_options("arithmetic")
    (True, False)
    """
    entry = _entry(name)
    return option_names(entry.load, taken=entry.options)


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


def _entry(name: str) -> BenchmarkEntry:
    lowered = name.lower()
    if lowered not in BENCHMARKS:
        raise unknown_name("benchmark", name, BENCHMARKS)
    return BENCHMARKS[lowered]


_import_benchmarks()
