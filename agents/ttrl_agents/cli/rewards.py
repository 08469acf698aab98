"""`ttrl rewards`: how votes become rewards.

- `rewards`: lists every reward, or describes one.
"""

from __future__ import annotations

import inspect
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ttrl_agents.cli.console import CommandConsole
from ttrl_env.consensus import REWARDS, RewardError, find_reward, reward_needs, rewards_inside

__all__ = ["rewards"]


def rewards(
    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[NAME]")] = "",
) -> None:
    """Lists the rewards that --reward takes, those of installed packages included.

    Args:
        name: Describe this reward instead: when it is earned, its formula, its options.
    """
    console = CommandConsole()
    if name:
        _describe(console, name)
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("rewards")
    table.add_column("arXiv", no_wrap=True)
    table.add_column("needs")
    broken: list[str] = []
    for each in REWARDS:
        try:
            entry = REWARDS[each]
        except RewardError as error:  # reported below the table; the others are listed
            broken.append(str(error))
            continue
        source = f" (from {entry.source})" if entry.source else ""
        cells = each, entry.card.summary + source, entry.card.paper, ", ".join(entry.card.needs)
        table.add_row(*map(escape, cells))
    console.print(table)
    for sentence in broken:
        console.print(sentence, markup=False)
    console.print(
        "ttrl rewards NAME explains one. They can be added, with weights: "
        '"majority + 0.1*format_only".',
        markup=False,
        soft_wrap=True,
    )


def _describe(console: Console, name: str) -> None:
    entry, _ = find_reward(name)
    card = entry.card
    console.print(f"{card.name}: {card.summary}", markup=False)
    if card.paper:
        console.print(f"paper: arXiv {card.paper}", markup=False)
    inside = rewards_inside(name)
    if inside:
        console.print(f"made of: {', '.join(inside)}", markup=False, soft_wrap=True)
    if needs := reward_needs(name):
        console.print(f"needs: {', '.join(sorted(needs))}", markup=False)
    if brings := _brings(name):
        console.print(
            f"brings: {', '.join(sorted(brings))} of its own, which sums and other trainers do not "
            "take",
            markup=False,
            soft_wrap=True,
        )
    if card.name in REWARDS:  # a sum has no options to spell
        options = entry.describe_options() or "none"
        console.print(f"options: {options}", markup=False, soft_wrap=True)
    console.print(f"\n{inspect.getdoc(entry.factory) or ''}", markup=False, soft_wrap=True)


def _brings(name: str) -> frozenset[str]:
    entry, _ = find_reward(name)
    return frozenset(entry.card.brings).union(*map(_brings, rewards_inside(name)))
