"""The benchmarks that have a name, and how a benchmark gets one.

- `register_benchmark`, `unregister_benchmark`: adds a benchmark, and takes it back.
- `BenchmarkEntry`: a card with what loads the benchmark.
- `BENCHMARKS`: the entries by name, those of installed packages included.
- `watch_benchmarks`: calls back for every benchmark, now and whenever one comes or goes.
- `ENTRY_POINTS`: the group by which an installed package adds its own.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ttrl_benchmarks.base import Benchmark
from ttrl_benchmarks.card import BenchmarkCard
from ttrl_benchmarks.errors import BenchmarkError, BenchmarkWarning, unknown_name
from ttrl_benchmarks.plugins import find_plugins, load_plugin, plugin_source

__all__ = [
    "BENCHMARKS",
    "ENTRY_POINTS",
    "BenchmarkEntry",
    "Benchmarks",
    "register_benchmark",
    "unregister_benchmark",
    "watch_benchmarks",
]

ENTRY_POINTS = "ttrl_env.benchmarks"
_NAME = re.compile(r"[a-z][a-z0-9_.-]*")

Watcher = Callable[[BenchmarkCard], None]


@dataclass(frozen=True, slots=True)
class BenchmarkEntry:
    """One benchmark by name.

    Attributes:
        card: What is known of it.
        load: Loads it from its options, which are keywords.
        options: Options of `load` that are set already, so that a user cannot.
    """

    card: BenchmarkCard
    load: Callable[..., Benchmark]
    options: Mapping[str, object] = field(default_factory=dict)


class Benchmarks(Mapping[str, BenchmarkEntry]):
    """Every benchmark by name: this package's own, those registered, those of installed packages.

    Installed packages are looked for at the first use. One that is broken is left out with a
    warning, and its benchmark raises an error that says why.
    """

    def __init__(self) -> None:
        self._entries: dict[str, BenchmarkEntry] = {}
        self._own: frozenset[str] = frozenset()
        self._broken: dict[str, BenchmarkError] | None = None
        self._watchers: list[tuple[Watcher, Watcher]] = []

    def __getitem__(self, name: str) -> BenchmarkEntry:
        """Returns the entry of this name.

        Raises:
            KeyError: There is none.
            BenchmarkError: It is of an installed package that is broken.
        """
        if name in self._own:
            return self._entries[name]
        broken = self._load_installed()
        if name in broken:
            raise broken[name]
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._load_installed()
        return iter(self._entries)

    def __len__(self) -> int:
        self._load_installed()
        return len(self._entries)

    def add(self, entry: BenchmarkEntry) -> None:
        """Adds an entry, whose name and id must be new.

        Raises:
            BenchmarkError: The name or the id is taken.
        """
        for other in self._entries.values():
            for what in ("name", "env_id"):
                if getattr(other.card, what) == getattr(entry.card, what):
                    raise BenchmarkError(
                        f"There is a benchmark with the {what} {getattr(entry.card, what)!r} "
                        "already; choose another."
                    )
        self._entries[entry.card.name] = entry
        for added, _ in self._watchers:
            added(entry.card)

    def remove(self, name: str) -> None:
        """Removes an entry that is not this package's own.

        Raises:
            UnknownNameError: There is no such entry.
        """
        registered = [each for each in self._entries if each not in self._own]
        if name not in registered:
            raise unknown_name("registered benchmark", name, registered)
        card = self._entries.pop(name).card
        for _, removed in self._watchers:
            removed(card)

    def close_own(self) -> None:
        """Makes what has been added so far this package's own, published benchmarks first."""
        ordered = sorted(self._entries.items(), key=lambda item: item[1].card.hub is None)
        self._entries = dict(ordered)
        self._own = frozenset(self._entries)

    def watch(self, added: Watcher, removed: Watcher) -> None:
        """Calls `added` for every benchmark, and either of both whenever one comes or goes."""
        if (added, removed) not in self._watchers:
            self._watchers.append((added, removed))
        for entry in list(self.values()):
            added(entry.card)

    def _load_installed(self) -> Mapping[str, BenchmarkError]:
        """Imports what installed packages bring; returns what is wrong with the broken ones."""
        if self._broken is None:
            self._broken = {}
            for name, point in find_plugins(ENTRY_POINTS, "benchmark", self._own).items():
                try:
                    load_plugin(point, "benchmark", BenchmarkError)
                    if name not in self._entries:
                        raise BenchmarkError(
                            f"Benchmark {name!r} of the installed package {plugin_source(point)!r} "
                            f"is not registered by {point.module}, which has to call "
                            "register_benchmark with a card of this name."
                        )
                except BenchmarkError as error:
                    self._broken[name] = error
                    warnings.warn(str(error), BenchmarkWarning, stacklevel=2)
        return self._broken


BENCHMARKS = Benchmarks()


def register_benchmark(
    card: BenchmarkCard, load: Callable[..., Benchmark], **options: object
) -> None:
    """Makes a benchmark known by its name, and its environment by its id.

    `load_benchmark(card.name)` loads it, `ttrl benchmarks` lists it, and where `ttrl_env` is
    imported, before or after, `gym.make(card.env_id)` asks its questions.

    Args:
        card: What is known of it. Its name and its id must be new.
        load: Loads it. Its keyword parameters are the options of the benchmark.
        **options: Options of `load` that users of this name cannot set.

    Raises:
        BenchmarkError: The name or the id is taken, or the name cannot be one.

    >>> from ttrl_benchmarks import Benchmark, BenchmarkCard, Question, load_benchmark
    >>> card = BenchmarkCard("two-sums", "Two sums", "TwoSums-v0", "integer")
    >>> questions = (Question("a", "What is 1 + 1?"), Question("b", "What is 2 + 2?"))
    >>> register_benchmark(card, lambda: Benchmark("two-sums", questions))
    >>> len(load_benchmark("two-sums"))
    2
    >>> unregister_benchmark("two-sums")
    """
    if not _NAME.fullmatch(card.name):
        raise BenchmarkError(
            f"A benchmark cannot be named {card.name!r}; use small letters, digits, '_', '-' and "
            "'.', a letter first."
        )
    if not callable(load):
        raise BenchmarkError(f"Benchmark {card.name!r}: load must be callable, not {load!r}.")
    BENCHMARKS.add(BenchmarkEntry(card, load, options))


def unregister_benchmark(name: str) -> None:
    """Takes back what `register_benchmark` did.

    Raises:
        UnknownNameError: No benchmark of this name was registered.
    """
    BENCHMARKS.remove(name)


def watch_benchmarks(added: Watcher, removed: Watcher) -> None:
    """Calls `added` with the card of every benchmark, now and whenever one is registered.

    Args:
        added: Called for each benchmark that there is, and for each that comes.
        removed: Called for each that is taken back.
    """
    BENCHMARKS.watch(added, removed)
