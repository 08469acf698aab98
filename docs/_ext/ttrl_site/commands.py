"""The reference of the command line, from the parser that reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ttrl_agents.cli.command_options import CommandDescription, CommandOption, describe_command
from ttrl_agents.cli.commands import commands_for
from ttrl_site.docstrings import arxiv_links
from ttrl_site.links import BUILT

__all__ = ["pages"]

_INTRODUCTION = """\
# Every option

This page is made from the parser that reads the command line, so it is complete. The same texts are
printed by `ttrl COMMAND --help`. [The commands](/commands.md) says what each command is for.
"""


def pages(root: Path) -> Iterator[tuple[str, str]]:  # noqa: ARG001 - as the other makers
    """Yields the one page of all commands and their options.

    Args:
        root: The repository.
    """
    parts = [_INTRODUCTION]
    for name, command in commands_for([]).items():
        parts.extend(section(name, describe_command(command)))
    yield f"{BUILT}/reference/options", "\n".join(parts)


def section(name: str, command: CommandDescription) -> Iterator[str]:
    """Yields the Markdown of a command.

    Args:
        name: The command.
        command: What it takes.
    """
    usage = " ".join(["ttrl", name, *(each.spelling for each in command.arguments), "[OPTIONS]"])
    yield f"## ttrl {name}\n"
    yield f"```text\n{usage}\n```\n"
    yield f"{prose(command.summary)}\n"
    if command.text:
        yield f"{prose(command.text)}\n"
    if command.arguments:
        yield from definitions(command.arguments)
    for group in command.groups:
        yield f"### {group.title} (ttrl {name})\n"
        if group.text:
            yield f"{prose(group.text)}\n"
        yield from definitions(group.options)


def definitions(options: Iterable[CommandOption]) -> Iterator[str]:
    """Yields a definition list of options."""
    for option in options:
        default = f" *({prose(option.default)})*" if option.default else ""
        yield f"`{option.spelling}`\n: {prose(option.text)}{default}\n"


def prose(text: str) -> str:
    """Returns a text of the help as Markdown: what Markdown would read as its own is escaped."""
    parts: list[str] = re.split(r"(`[^`]*`)", text)
    parts[::2] = [re.sub(r"([*_<>\[\]$|\\])", r"\\\1", part) for part in parts[::2]]
    return arxiv_links("".join(parts), "[{words}]({address})")
