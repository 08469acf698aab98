"""Sharpening, the other way to a higher mean@16: the older tiny reasoner under the same rewards.

`tiny-noisy` always works its answers out, and its likeliest completion is right nearly always; what
keeps its mean@16 low is the noise of sampling. Training on votes makes it surer of what it would
have said anyway, so mean@16 rises, while its greedy accuracy has nothing to gain and may fall.
Compare `leakage.py`, where the likeliest answer itself changes.

    python benchmarks/paper/sharpening.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/sharpening.py --write      # and keeps the results in the documentation
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

from dataclasses import dataclass, field
from pathlib import Path

import tyro
from comparison import Comparison, Results, compare, publish, with_an_alarm
from comparison import table as table_of
from rich.console import Console

from pages import REPOSITORY
from ttrl_agents.config import TrainConfig

REWARDS = ("oracle", "majority", "negative_entropy", "random")
PAGE = REPOSITORY / "docs" / "controls.md"


@dataclass(frozen=True)
class Options(Comparison):
    """Trains the reasoner that has little to learn but certainty."""

    script = "benchmarks/paper/sharpening.py"
    varied = ("reward",)
    block = "sharpening"
    page = PAGE

    output: Path | None = Path("runs/sharpening")
    """Where the runs go."""
    train: TrainConfig = field(
        default_factory=lambda: TrainConfig(model="tiny-noisy", eval_temperatures=(0.6, 0.0))
    )
    """The other options of every run."""

    @property
    def names(self) -> tuple[str, ...]:
        """The rewards that are compared."""
        return REWARDS


def table(results: Results) -> str:
    """Returns the Markdown table of the results."""
    words = {name: f"`{name}`" for name in REWARDS if name in results["runs"]}
    return table_of(results, "reward", words, {"runs with an alarm": with_an_alarm})


def main(options: Options) -> None:
    results = compare(options, Console(highlight=False, stderr=True))
    publish(options, results, table(results))


if __name__ == "__main__":
    main(tyro.cli(Options))
