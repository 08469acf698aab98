"""Every reward on one page: the same model, questions and budget for each.

Trains the tiny reasoner with every reward that `ttrl rewards` lists, several seeds each, and prints
and draws how it answers afterwards, on the trained and on held-out questions, at the paper's
temperature 0.6 and top-p 0.95 and greedily.

    python benchmarks/paper/rewards.py --jobs 2        # all that is not measured yet
    python benchmarks/paper/rewards.py --write         # and keeps the results in the documentation
    python benchmarks/paper/rewards.py --rewards majority "held(inner=scrl, every=2)" --seeds 0

Runs whose results are kept in docs/results/rewards.json are not repeated; those in the output
folder are read where they are complete, and else resumed. So a reward of your own joins the table
by the same command.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

from dataclasses import dataclass, replace
from pathlib import Path

import tyro
from comparison import COLUMNS, Comparison, Results, compare, measure_column, publish, with_an_alarm
from comparison import table as table_of
from rich.console import Console
from score_picture import PALETTE, Group, draw_scores

from pages import REPOSITORY
from ttrl_agents.config import TrainConfig
from ttrl_benchmarks.errors import UnknownNameError
from ttrl_env.consensus import REWARDS, RewardError, find_reward, reward_needs
from ttrl_env.consensus.cards import KINDS

PAGE = REPOSITORY / "docs" / "rewards.md"
LABELS = "labels"
HEADINGS = {LABELS: "needs labels", "votes": "votes", "control": "controls"}
PICTURED = tuple(COLUMNS[index] for index in (0, 1, 4))


@dataclass(frozen=True)
class Options(Comparison):
    """Compares every reward at the same budget."""

    script = "benchmarks/paper/rewards.py"
    varied = ("reward", "rephrase")
    block = "rewards"
    page = PAGE

    rewards: tuple[str, ...] = ()
    """The rewards, with options or without; by default all that `ttrl rewards` lists."""
    rephrase: str = "arithmetic"
    """The second wording, for the rewards that need one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            for reward in self.names:
                find_reward(reward)
        except (UnknownNameError, RewardError) as error:
            raise SystemExit(str(error)) from error

    @property
    def names(self) -> tuple[str, ...]:
        """The rewards that are compared."""
        return self.rewards or tuple(REWARDS)

    def config(self, name: str, seed: int) -> TrainConfig:
        """Returns the options of one run."""
        two = "two prompts" in reward_needs(name)
        return replace(
            self.train,
            reward=name,
            rephrase=self.rephrase if two else None,
            seed=seed,
            output=self.run_folder(name, seed),
        )


def groups_of(results: Results) -> list[Group]:
    """Returns the rewards by what they go by; those that end highest first."""

    def trained(name: str) -> float:
        return -measure_column(results, name, COLUMNS[0])[0].mean

    names = sorted(results["runs"], key=trained)
    kinds = {name: kind_of(name) for name in names}
    return [
        Group(
            HEADINGS.get(kind, kind),
            PALETTE[kind],
            tuple(name for name in names if kinds[name] == kind),
            needs_labels=kind == LABELS,
        )
        for kind in (LABELS, *KINDS)
        if kind in kinds.values()
    ]


def kind_of(reward: str) -> str:
    """Returns what a reward goes by; of those that read labels, that."""
    entry, _ = find_reward(reward)
    return LABELS if LABELS in reward_needs(reward) else entry.card.kind


def table(results: Results) -> str:
    """Returns the Markdown table of the results."""
    words = {
        name: f"`{name}` ({group.heading})" for group in groups_of(results) for name in group.names
    }
    return table_of(results, "reward", words, {"runs with an alarm": with_an_alarm})


def draw(results: Results, path: Path) -> None:
    """Draws how every reward ends."""
    steps = results["options"]["steps"]
    title = f"{steps} steps of {results['options']['model']} with each reward"
    draw_scores(results, path, title=title, groups=groups_of(results), columns=PICTURED)


def main(options: Options) -> None:
    results = compare(options, Console(highlight=False, stderr=True))
    publish(options, results, table(results), draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
