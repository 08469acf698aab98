"""All twins of the paper, one after another: `make paper`.

    python benchmarks/paper/everything.py              # every run, about 45 minutes on 2 cores
    python benchmarks/paper/everything.py --write      # and into docs/
    python benchmarks/paper/everything.py --no-again   # only what docs/results does not hold yet
    python benchmarks/paper/everything.py --only table1 figure5

The first seed of every twin comes first, then the second, so whoever stops early has all twins with
fewer seeds. Runs lie in runs/paper and are shared: one that is complete is not repeated, one that
was cut off goes on. Without `--write` the tables are printed and the pictures go to runs/paper.
`--only-complete --write` trains nothing and writes what there is.
"""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import tyro
from rich.console import Console
from twins import FOLDER

TWINS = (
    "table1",
    "table2",
    "table3",
    "figure3",
    "figure4",
    "figure5",
    "figure6",
    "figure7",
    "figure8",
    "failures",
    "votes",
    "budget",
    "spread",
)


@dataclass(frozen=True)
class Options:
    """Makes the twins of all tables and figures of the paper."""

    only: tuple[str, ...] = ()
    """Which of them; by default all."""
    seeds: int | None = None
    """How many seeds; by default those of each twin, which are three or more."""
    jobs: int = 2
    """Runs at a time, one thread each."""
    output: Path = FOLDER
    """Where the runs go."""
    write: bool = False
    """Keep the results in the documentation, with tables and pictures."""
    only_complete: bool = False
    """Train nothing: show what is complete."""
    again: bool = True
    """Use nothing that docs/results holds; runs in the output folder are still read."""

    def __post_init__(self) -> None:
        for name in self.only:
            if name not in TWINS:
                raise SystemExit(f"--only {name}: there are {', '.join(TWINS)}.")

    @property
    def names(self) -> tuple[str, ...]:
        """The twins that are made, in the order of the paper."""
        return tuple(name for name in TWINS if name in self.only) or TWINS


def twin_of(module: ModuleType, options: Options) -> Any:
    """Returns a twin with these options."""
    twin = module.Options(
        jobs=options.jobs,
        output=options.output,
        again=options.again,
        only_complete=options.only_complete,
    )
    return twin if options.seeds is None else replace(twin, seeds=twin.seeds[: options.seeds])


def main(options: Options) -> None:
    console = Console(highlight=False, stderr=True)
    modules = {name: importlib.import_module(name) for name in options.names}
    twins = {name: twin_of(module, options) for name, module in modules.items()}
    most = max(len(twin.seeds) for twin in twins.values())
    for done in [most] if options.only_complete else range(1, most + 1):
        for name, module in modules.items():
            twin = twins[name]
            if done > len(twin.seeds) and not options.only_complete:
                continue
            last = done >= len(twin.seeds)
            began = time.monotonic()
            module.main(replace(twin, seeds=twin.seeds[:done], write=options.write and last))
            seconds = time.monotonic() - began
            seeds = f"{min(done, len(twin.seeds))} of {len(twin.seeds)} seeds"
            console.print(f"{name}, {seeds}: {seconds:.0f} s")


if __name__ == "__main__":
    main(tyro.cli(Options))
