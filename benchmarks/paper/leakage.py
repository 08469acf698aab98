"""TTRL beside its upper bound and its controls: what do the votes buy, and what the labels?

Trains the same model with five rewards, several seeds each:

- `majority`: the vote, which is TTRL;
- `oracle`: the true labels, the upper bound. Learning from the vote comes close to it in the figure
  on label leakage of TTRL (arXiv 2504.16084v3, section 4);
- `negative_entropy`: the model's own certainty, without any vote;
- `format_only`: any answer in a box, whatever it says;
- `random`: a coin (arXiv 2506.10947: spurious rewards can help too).

Each is measured before and after, at the paper's temperature 0.6 and top-p 0.95 and greedily, on
the trained and on held-out questions.

    python benchmarks/paper/leakage.py --jobs 2      # 15 runs
    python benchmarks/paper/leakage.py --write       # and keeps the results in the documentation

Runs whose results are kept in docs/results/controls.json are not repeated; those in the output
folder, which is that of `rewards.py`, are read where they are complete, and else resumed. Intervals
are over questions, with the seeds of a question averaged; the range is over seeds.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from comparison import COLUMNS, Comparison, Results, compare, publish, with_an_alarm
from comparison import table as table_of
from rich.console import Console
from score_picture import PALETTE, Group, draw_scores

from pages import REPOSITORY

REWARDS = ("oracle", "majority", "negative_entropy", "format_only", "random")
WORDS = {
    "oracle": "`oracle`: true labels",
    "majority": "`majority`: TTRL",
    "negative_entropy": "`negative_entropy`: certainty",
    "format_only": "`format_only`: any answer",
    "random": "`random`: a coin",
}
GROUPS = (
    Group("needs labels", PALETTE["labels"], ("oracle",), needs_labels=True),
    Group("TTRL", PALETTE["votes"], ("majority",)),
    Group("certainty", PALETTE["certainty"], ("negative_entropy",)),
    Group("controls", PALETTE["control"], ("format_only", "random")),
)
PAGE = REPOSITORY / "docs" / "controls.md"


@dataclass(frozen=True)
class Options(Comparison):
    """Compares learning from the vote with learning from labels, certainty, format and a coin."""

    script = "benchmarks/paper/leakage.py"
    varied = ("reward",)
    block = "controls"
    page = PAGE

    output: Path | None = Path("runs/rewards")
    """Where the runs go; those of the comparison of all rewards are the same."""

    @property
    def names(self) -> tuple[str, ...]:
        """The rewards that are compared."""
        return REWARDS


def table(results: Results) -> str:
    """Returns the Markdown table of the results."""
    return table_of(results, "reward", WORDS, {"runs with an alarm": with_an_alarm})


def draw(results: dict[str, Any], path: Path) -> None:
    """Draws every score of every reward."""
    title = f"What the labels buy: {results['options']['steps']} steps with each reward"
    draw_scores(results, path, title=title, groups=GROUPS, columns=COLUMNS)


def main(options: Options) -> None:
    results = compare(options, Console(highlight=False, stderr=True))
    publish(options, results, table(results), draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
