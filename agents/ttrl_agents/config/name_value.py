"""Options of a benchmark on the command line, as `name=value`.

- `KeyValues`: the type of such an option; the command line and `config.json` know it.
- `parse_key_values`: from words to values.
- `write_key_values`: and back.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import tyro

__all__ = ["KeyValues", "parse_key_values", "write_key_values"]


def parse_key_values(words: Sequence[str]) -> dict[str, Any]:
    """Reads `name=value` words.

    A value is what JSON or Python would read there (a number, `true`, `None`, a list, something
    in quotes); anything else is text.

    Args:
        words: The words.

    Returns:
        The values by name, such that JSON can hold them.

    Raises:
        ValueError: A word has no `=`, no name, or a duplicate name.

    >>> parse_key_values(["level=3", "task=chain_sum", "download=False", "title='3'"])
    {'level': 3, 'task': 'chain_sum', 'download': False, 'title': '3'}
    """
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise ValueError(f"{word!r} is not of the form name=value")
        if name in values:
            raise ValueError(f"{name} is given twice")
        values[name] = _value(text)
    return values


def write_key_values(values: Mapping[str, Any]) -> list[str]:
    """Returns words that `parse_key_values` reads as these values.

    >>> write_key_values({"level": 3, "task": "chain_sum", "title": "3"})
    ['level=3', 'task=chain_sum', 'title="3"']
    """
    words = []
    for name, value in values.items():
        plain = isinstance(value, str) and _value(value) == value
        words.append(f"{name}={value if plain else json.dumps(value)}")
    return words


def _value(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            # By way of JSON, since the run's config.json has to hold it.
            return json.loads(json.dumps(read(text), allow_nan=False))
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return text


KeyValues = Annotated[
    Mapping[str, Any],
    tyro.constructors.PrimitiveConstructorSpec(
        nargs="*",
        metavar="NAME=VALUE",
        instance_from_str=parse_key_values,
        is_instance=lambda value: isinstance(value, Mapping),
        str_from_instance=write_key_values,
    ),
]
