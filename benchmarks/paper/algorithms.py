"""Every algorithm on the same questions: do the presets learn?

Trains the tiny reasoner with each preset of `--algorithm`, each with its own defaults and all with
the same questions, votes and learning rate, several seeds each, and prints how it answers
afterwards, at the paper's temperature 0.6 and top-p 0.95 and greedily. The table shows that a
preset works. It does not rank them: each would have a learning rate of its own.

    python benchmarks/paper/algorithms.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/algorithms.py --write      # and keeps the results in the documentation
    python benchmarks/paper/algorithms.py --algorithms grpo ppo --seeds 0

Runs whose results are kept in docs/results/algorithms.json are not repeated; those in the output
folder are read where they are complete, and else resumed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

from dataclasses import dataclass
from typing import Any

import tyro
from comparison import Comparison, Results, compare, publish, with_an_alarm
from comparison import table as table_of
from rich.console import Console

from pages import REPOSITORY
from ttrl_agents.config.algorithms import ALGORITHMS

PAGE = REPOSITORY / "docs" / "algorithms.md"


@dataclass(frozen=True)
class Options(Comparison):
    """Trains the same model with every algorithm."""

    script = "benchmarks/paper/algorithms.py"
    varied = ("algorithm",)
    block = "algorithms"
    page = PAGE

    algorithms: tuple[str, ...] = ()
    """Which of them; by default all."""

    @property
    def names(self) -> tuple[str, ...]:
        """The algorithms that are compared."""
        return self.algorithms or tuple(ALGORITHMS)


def skipped(rows: dict[str, Any]) -> str:
    """Returns how many updates were skipped because they were not finite, as a cell."""
    return str(sum(row["skipped"] for row in rows.values()))


def table(results: Results) -> str:
    """Returns the Markdown table of the results."""
    known = [name for name in ALGORITHMS if name in results["runs"]]
    names = [*known, *(name for name in results["runs"] if name not in known)]
    extra = {"runs with an alarm": with_an_alarm, "updates skipped": skipped}
    return table_of(results, "algorithm", {name: f"`{name}`" for name in names}, extra)


def main(options: Options) -> None:
    results = compare(options, Console(highlight=False, stderr=True))
    publish(options, results, table(results))


if __name__ == "__main__":
    main(tyro.cli(Options))
