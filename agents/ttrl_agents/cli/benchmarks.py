"""`ttrl benchmarks` and `ttrl fetch`: lists the benchmarks and downloads them.

- `benchmarks`: lists every benchmark.
- `fetch`: downloads one, verified.
"""

from __future__ import annotations

from typing import Annotated

import tyro
from rich.table import Table

from ttrl_agents.cli.console import CommandConsole
from ttrl_benchmarks import BenchmarkListing, fetch_benchmark, list_benchmarks

__all__ = ["benchmarks", "fetch"]


def benchmarks() -> None:
    """Lists the benchmarks: questions, levels, answer format, and whether they are downloaded."""
    table = Table(box=None, pad_edge=False)
    for name in ("name", "environment", "questions", "levels", "answers", "here"):
        table.add_column(name, justify="right" if name == "questions" else "left", no_wrap=True)
    rows = list_benchmarks()
    for row in rows:
        levels = f"{row.levels[0]}-{row.levels[-1]}" if len(row.levels) > 1 else ""
        table.add_row(
            row.name,
            row.env_id,
            "any" if row.questions is None else str(row.questions),
            levels or ", ".join(map(str, row.levels)),
            row.answer_format,
            _where_from(row),
        )
    console = CommandConsole()
    console.print(table)
    if not all(row.cached for row in rows):
        console.print("ttrl fetch NAME downloads one that is not here.")


def _where_from(row: BenchmarkListing) -> str:
    """Returns whether its questions are here, in a word that says where they come from."""
    if row.needs_download:
        return "yes" if row.cached else "no"
    return "--data" if row.name == "questions" else "generated"


def fetch(name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]) -> None:
    """Downloads a benchmark from its publisher, verifies it and keeps it.

    Args:
        name: The name of the benchmark, as `ttrl benchmarks` lists it.
    """
    print(fetch_benchmark(name))  # noqa: T201
