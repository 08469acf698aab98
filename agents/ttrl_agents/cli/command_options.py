"""The options of a command, read from the function that runs it.

- `CommandOption`: an option as the help shows it.
- `CommandGroup`: options under one title.
- `describe_command`: the arguments and the groups of a command.
- `CommandDescription`: what it returns.

A parameter that is a dataclass of options stands for its fields, in the groups that its headings
declare. Types, defaults and texts come from where the parameters and the fields are declared.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

import tyro

from ttrl_agents.cli.help_text import texts_of_fields, texts_of_headings
from ttrl_agents.config.algorithms import Algorithm
from ttrl_agents.config.groups import OwnGroup, groups_of
from ttrl_agents.config.serialization import option_name
from ttrl_agents.config.train_config import TrainConfig

__all__ = ["CommandDescription", "CommandGroup", "CommandOption", "describe_command"]

_OPTIONS = OwnGroup("options", "")
_WORDS = {int: "INT", float: "NUMBER", str: "TEXT", Path: "PATH", bool: "{True,False}"}


@dataclass(frozen=True)
class CommandOption:
    """An option as the help shows it.

    Attributes:
        spelling: What is typed, with the kind of its value.
        text: What it means.
        default: What holds where it is not given, in words; empty where `text` says it.
        common: Whether the short help shows it.
    """

    spelling: str
    text: str
    default: str = ""
    common: bool = True


@dataclass(frozen=True)
class CommandGroup:
    """Options under one title.

    Attributes:
        title: The title.
        text: What the options have in common.
        options: The options.
    """

    title: str
    text: str
    options: tuple[CommandOption, ...]


@dataclass(frozen=True)
class CommandDescription:
    """The help of a command.

    Attributes:
        summary: What it does, in a sentence.
        text: The paragraphs after it.
        arguments: The positional arguments.
        groups: The options.
    """

    summary: str
    text: str
    arguments: tuple[CommandOption, ...]
    groups: tuple[CommandGroup, ...]


def describe_command(command: Callable[..., Any], given: Any = None) -> CommandDescription:
    """Returns the arguments and the groups of a command.

    Args:
        command: The function that runs it.
        given: The dataclass of options that a command line gives; by default the command's own
            defaults. Values that differ from the defaults are shown as given.
    """
    summary, text, texts = _docstring(command)
    arguments: list[CommandOption] = []
    own: dict[OwnGroup, list[CommandOption]] = {_OPTIONS: []}
    groups: list[CommandGroup] = []
    hints = typing.get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        hint, extras = _unwrap(hints[name])
        if is_dataclass(hint):
            found = _Fields(parameter.default, given or parameter.default)
            arguments += found.arguments()
            groups += found.groups()
        elif tyro.conf.Positional in extras:
            arguments.append(CommandOption(_metavar(hint, extras), texts[name]))
        else:
            group = next((each for each in extras if isinstance(each, OwnGroup)), _OPTIONS)
            option = _option(name, hint, extras, texts[name], parameter.default)
            own.setdefault(group, []).append(replace(option, common=group is _OPTIONS))
    first, *others = (CommandGroup(each.title, each.text, tuple(own[each])) for each in own)
    groups = [*([first] if first.options else []), *groups, *others]
    return CommandDescription(summary, text, tuple(arguments), tuple(groups))


class _Fields:
    """The fields of a dataclass of options.

    Args:
        defaults: Its default.
        given: What a command line gives.
    """

    def __init__(self, defaults: Any, given: Any) -> None:
        self._kind = type(defaults)
        self._defaults, self._given = defaults, given
        self._values = {each.name: getattr(given, each.name) for each in fields(given)}
        self._preset: Mapping[str, Any] = {}
        if isinstance(given, TrainConfig):
            pieces = given.resolve_algorithm()
            self._preset = {each.name: getattr(pieces, each.name) for each in fields(pieces)}
        self._texts = texts_of_fields(self._kind, Algorithm)
        hints = typing.get_type_hints(self._kind, include_extras=True)
        self._hints = {name: _unwrap(hints[name]) for name in self._values}

    def arguments(self) -> list[CommandOption]:
        """Returns the positional arguments."""
        return [
            CommandOption(_metavar(hint, extras), self._texts[name], _default(self._values[name]))
            for name, (hint, extras) in self._hints.items()
            if tyro.conf.Positional in extras
        ]

    def groups(self) -> list[CommandGroup]:
        """Returns the options in their groups."""
        headings = texts_of_headings(self._kind)
        return [
            CommandGroup(
                group.title,
                headings.get(group.name, ""),
                tuple(
                    self._option(name)
                    for name in group.options
                    if tyro.conf.Positional not in self._hints[name][1]
                ),
            )
            for group in groups_of(self._kind)
        ]

    def _option(self, name: str) -> CommandOption:
        hint, extras = self._hints[name]
        value, before = self._values[name], getattr(self._defaults, name)
        common = not self._kind.common or name in self._kind.common
        if value is None and name in self._preset:
            where = f", of {self._values['algorithm']}"
            option = _option(name, hint, extras, self._texts[name], self._preset[name])
            return CommandOption(option.spelling, option.text, option.default + where, common)
        option = _option(name, hint, extras, self._texts[name], value)
        default = option.default if value == before else _default(value, "given")
        return CommandOption(option.spelling, option.text, default, common)


def _option(name: str, hint: Any, extras: Sequence[Any], text: str, value: Any) -> CommandOption:
    spelling = option_name(name)
    if hint is bool:
        spelling += f", {option_name('no_' + name)}" if value else ""
    else:
        spelling += f" {_metavar(hint, extras)}"
    return CommandOption(spelling, text, "" if value is False and hint is bool else _default(value))


def _default(value: Any, word: str = "default") -> str:
    """Returns the words for a default; none for what the text of the option has to say."""
    if value is None or value is inspect.Parameter.empty or value in ((), {}, ""):
        return ""
    if isinstance(value, bool):
        shown = "yes" if value else "no"
    elif isinstance(value, Mapping):
        shown = " ".join(f"{name}={each}" for name, each in value.items())
    elif isinstance(value, tuple):
        shown = " ".join(map(str, value))
    else:
        shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{word}: {shown}"


def _unwrap(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """Returns a type without `Annotated`, and what that added."""
    if typing.get_origin(hint) is typing.Annotated:
        return typing.get_args(hint)[0], hint.__metadata__
    return hint, ()


def _metavar(hint: Any, extras: Sequence[Any] = ()) -> str:
    """Returns the kind of value that an option takes."""
    for extra in extras:
        if named := getattr(extra, "metavar", None):
            return str(named)
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _metavar(next(part for part in parts if part is not type(None)))
    if origin is Literal:
        return "{" + ",".join(map(str, parts)) + "}"
    if origin is tuple:
        return f"{_metavar(parts[0])} ..."
    return _WORDS[hint]


def _docstring(command: Callable[..., Any]) -> tuple[str, str, dict[str, str]]:
    """Returns the summary, the paragraphs and the texts of the arguments in a docstring."""
    lines, _, arguments = inspect.cleandoc(command.__doc__ or "").partition("\n\nArgs:\n")
    summary, _, text = lines.partition("\n\n")
    paragraphs = [" ".join(each.split()) for each in text.split("\n\n")]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", arguments, re.MULTILINE)
    texts = {name: " ".join(words.split()) for name, words in entries}
    return " ".join(summary.split()), "\n\n".join(filter(None, paragraphs)), texts
