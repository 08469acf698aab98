"""The pages that `--help` prints.

- `show_help`: prints the page that a command line asks for.
- `help_asked`: whether it asks for one, and for how much.
- `print_help`: prints the page of a command, or that of `ttrl`.

The page fits the width of the terminal; a very narrow one gets lines of `NARROWEST` characters.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import re
import shutil
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Any, Literal

import tyro
from rich.text import Text

from ttrl_agents.cli.command_options import (
    CommandDescription,
    CommandGroup,
    CommandOption,
    describe_command,
)
from ttrl_agents.cli.console import CommandConsole
from ttrl_benchmarks.errors import UserError

__all__ = ["NARROWEST", "help_asked", "print_help", "show_help"]

Commands = Mapping[str, Callable[..., Any]]

NARROWEST = 24
_WIDEST = 100
_COLUMN = 26  # of the options, where their texts stand beside them
_BESIDE = 72  # the least width for that
_INDENT = 6
_ALL = "--help-all"
_FLAGS = ("-h", "--help", _ALL)


def help_asked(arguments: Sequence[str]) -> Literal["common", "all"] | None:
    """Returns whether a command line asks for help: for the common options or for all.

    >>> help_asked(["train", "--help"]), help_asked(["extract", "--", "--help"])
    ('common', None)
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if _ALL in options:
        return "all"
    return "common" if any(flag in options for flag in _FLAGS) else None


def show_help(commands: Commands, arguments: Sequence[str]) -> bool:
    """Prints the page of help that a command line asks for.

    Args:
        commands: The commands by name.
        arguments: The command line. What else it gives is shown as given, as far as it can be read.

    Returns:
        Whether it asks for one.
    """
    asked = help_asked(arguments)
    if asked is None:
        return False
    name = None if arguments[0].startswith("-") else arguments[0]
    given = None
    if name is not None and (default := _options_of(commands[name])) is not None:
        rest = [each for each in arguments[1:] if each not in _FLAGS]
        given = _read(default, rest)
    print_help(commands, name, every=asked == "all", given=given)
    return True


def print_help(commands: Commands, name: str | None, *, every: bool, given: Any = None) -> None:
    """Prints a page of help.

    Args:
        commands: The commands by name.
        name: The command; `None` for the page that lists them.
        every: Whether to show all options or only the common ones.
        given: The dataclass of options that the command line gives, if any.
    """
    width = min(max(shutil.get_terminal_size().columns, NARROWEST), _WIDEST)
    if name is None:
        lines = _overview(commands, width)
    else:
        lines = _page(name, describe_command(commands[name], given), width, every=every)
    console = CommandConsole()
    for line in lines:
        console.print(line, soft_wrap=True)


def _overview(commands: Commands, width: int) -> Iterator[Text]:
    yield from _usage("ttrl COMMAND [OPTIONS]", width)
    yield from _paragraphs("Reinforcement learning of language models without labels.", width)
    yield Text("commands", style="bold")
    for name, command in commands.items():
        yield from _entry(CommandOption(name, describe_command(command).summary), width, column=14)
    yield Text()
    yield from _paragraphs(
        "ttrl COMMAND --help explains a command. ttrl --version prints the version.", width
    )


def _page(name: str, command: CommandDescription, width: int, *, every: bool) -> Iterator[Text]:
    arguments = [each.spelling for each in command.arguments]
    yield from _usage(" ".join(["ttrl", name, *arguments, "[OPTIONS]"]), width)
    yield from _paragraphs(command.summary, width)
    yield from _paragraphs(command.text, width)
    if command.arguments:
        yield from _group(CommandGroup("arguments", "", command.arguments), width)
    groups = [_shown(group, every=every) for group in command.groups]
    for group in groups:
        if group.options:
            yield from _group(group, width)
    shown = sum(len(group.options) for group in groups)
    total = sum(len(group.options) for group in command.groups)
    if shown < total:
        words = f"These are the common options. ttrl {name} {_ALL} shows all {total}."
        yield from _paragraphs(words, width)


def _shown(group: CommandGroup, *, every: bool) -> CommandGroup:
    options = tuple(each for each in group.options if every or each.common)
    return replace(group, options=options)


def _group(group: CommandGroup, width: int) -> Iterator[Text]:
    yield Text(group.title, style="bold")
    for line in _wrapped(group.text, width, "  "):
        yield Text(line, style="dim")
    for option in group.options:
        yield from _entry(option, width)
    yield Text()


def _entry(option: CommandOption, width: int, column: int = _COLUMN) -> Iterator[Text]:
    """Yields the lines of an option: its spelling, and beside or below it the text."""
    text = f"{option.text} ({option.default})" if option.default else option.text
    head = f"  {option.spelling}"
    if width < _BESIDE:
        yield from _head(option.spelling, width)
        yield from map(Text, _wrapped(text, width, " " * _INDENT))
        return
    lines = _wrapped(text, width, " " * (column + 2))
    if len(head) <= column:
        first = lines[0][len(head) :] if lines else ""
        yield Text.assemble((head, "bold"), first)
        yield from map(Text, lines[1:])
        return
    yield from _head(option.spelling, width)
    yield from map(Text, lines)


def _head(spelling: str, width: int) -> Iterator[Text]:
    """Yields the lines of a spelling that stands alone; long choices are broken at their commas."""
    for line in _wrapped(re.sub(r",(?=\S)", ", ", spelling), width, "  "):
        yield Text(line, style="bold")


def _usage(line: str, width: int) -> Iterator[Text]:
    yield from map(Text, textwrap.wrap(f"usage: {line}", width))
    yield Text()


def _paragraphs(text: str, width: int) -> Iterator[Text]:
    for paragraph in filter(None, text.split("\n\n")):
        yield from map(Text, textwrap.wrap(paragraph, width))
        yield Text()


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def _options_of(command: Callable[..., Any]) -> Any:
    """Returns the default of the dataclass of options that a command takes, if it takes one."""
    defaults = [each.default for each in inspect.signature(command).parameters.values()]
    return next(filter(is_dataclass, defaults), None)


def _read(default: Any, arguments: Sequence[str]) -> Any:
    """Returns the options that a command line gives; the default where it cannot be read."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # its complaints, but for what is raised
            given, _ = tyro.cli(
                type(default),
                default=default,
                args=list(arguments),
                return_unknown_args=True,
                add_help=False,
            )
    except (SystemExit, UserError):  # the help is shown for a wrong line too
        return default
    return given
