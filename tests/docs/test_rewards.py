"""The page on rewards has every reward."""

from __future__ import annotations

import re
from pathlib import Path

from ttrl_env.consensus import REWARDS

PAGE = (Path(__file__).parents[2] / "docs" / "rewards.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, str]:
    """Under a heading of the page: a reward's name to the next column of its row."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]*)\|", section, re.MULTILINE))


def test_every_reward_is_in_the_table_with_its_paper() -> None:
    papers = table("The rewards")
    assert set(papers) == set(REWARDS)
    for name, paper in papers.items():
        assert REWARDS[name].card.paper in paper


def test_what_was_measured_is_of_rewards_that_there_are_best_first_in_each_kind() -> None:
    section = PAGE.split("\n## Side by side\n")[1]
    rows = re.findall(r"^\| `(\w+)` \(([^)]*)\)[^|]* \| ([\d.]+) ", section, re.MULTILINE)
    assert {"majority", "oracle", "random"} <= {name for name, _, _ in rows} <= set(REWARDS)
    kinds = [kind for _, kind, _ in rows]
    for kind in dict.fromkeys(kinds):
        scores = [float(score) for _, of, score in rows if of == kind]
        assert scores == sorted(scores, reverse=True)
    together = [
        kind for kind, after in zip(kinds, [*kinds[1:], None], strict=True) if kind != after
    ]
    assert len(together) == len(set(kinds))
