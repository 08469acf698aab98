"""The names and the JSON of dataclasses of options.

- `option_name`: an option as the command line spells it.
- `options_to_json`, `options_from_json`: options as `config.json` holds them, and back.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ttrl_agents.errors import AgentError
from ttrl_benchmarks.options import fits

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["option_name", "options_from_json", "options_to_json"]

Options = TypeVar("Options", bound="DataclassInstance")


def option_name(name: str) -> str:
    """Returns an option as the command line spells it.

    >>> option_name("learning_rate")
    '--learning-rate'
    """
    return "--" + name.replace("_", "-")


def options_to_json(options: DataclassInstance) -> dict[str, Any]:
    """Returns options as JSON holds them."""
    return {name: _to_json(value) for name, value in asdict(options).items()}


def options_from_json(kind: type[Options], values: Mapping[str, Any], command: str) -> Options:
    """Returns the options that `options_to_json` wrote; those that are missing have their defaults.

    Args:
        kind: The dataclass.
        values: What JSON held.
        command: Whose `--help` documents them, for the message.

    Raises:
        AgentError: An option is unknown, or its value is of the wrong type or out of range, or
            these are no options at all.
    """
    if not isinstance(values, Mapping):
        raise AgentError("config.json is damaged: its options are not an object. Start again.")
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(values) - {each.name for each in fields(kind)})
    if unknown:
        raise AgentError(
            f"config.json has options that this version does not know: {', '.join(unknown)}."
        )
    converted = {name: _from_json(value, hints[name]) for name, value in values.items()}
    for name, value in converted.items():
        if not fits(value, hints[name]):
            raise AgentError(
                f"config.json: {name} is {values[name]!r}, which is not a value of "
                f"{option_name(name)}; see {command} --help."
            )
    return kind(**converted)


def _to_json(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _from_json(value: Any, hint: Any) -> Any:
    """JSON knows neither paths nor tuples."""
    kinds = {typing.get_origin(each) or each for each in (hint, *typing.get_args(hint))}
    if isinstance(value, str) and Path in kinds:
        return Path(value)
    return tuple(value) if isinstance(value, list) and tuple in kinds else value
