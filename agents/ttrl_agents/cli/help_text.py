"""The help texts of options: the strings below their declarations.

- `texts_of_fields`: the texts of the fields of a dataclass of options.
- `texts_of_headings`: those of its headings.
- `join_option_help`: gives the texts of the fields to `tyro`, for its error messages.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from itertools import pairwise
from types import MappingProxyType

from ttrl_agents.config.groups import groups_of

__all__ = ["join_option_help", "texts_of_fields", "texts_of_headings"]


def texts_of_fields(options: type, *pieces: type) -> dict[str, str]:
    """Returns the text of each field of a dataclass, on one line.

    Args:
        options: The dataclass. The text of a field is the string below it in the source, of the
            dataclass or of its bases.
        pieces: Dataclasses that supply the texts of fields of the same name without one.
    """
    texts: dict[str, str] = {}
    for kind in (*pieces, *reversed(options.__mro__[:-1])):
        texts |= _texts_below(kind)
    return {each.name: texts.get(each.name, "") for each in fields(options)}


def texts_of_headings(options: type) -> dict[str, str]:
    """Returns the text of each heading of a dataclass of options, on one line."""
    texts: dict[str, str] = {}
    for kind in reversed(options.__mro__[:-1]):
        texts |= _texts_below(kind)
    return {group.name: texts.get(group.name, "") for group in groups_of(options)}


def join_option_help(options: type, *pieces: type) -> None:
    """Makes the texts of `texts_of_fields` the help of the fields, as `tyro` reads it."""
    texts = texts_of_fields(options, *pieces)
    for each in fields(options):
        each.metadata = MappingProxyType({**each.metadata, "help": texts[each.name]})


def _texts_below(kind: type) -> dict[str, str]:
    """Returns the string below each name that a class declares, by its source."""
    try:
        source = inspect.getsource(kind)
    except OSError:  # installed without sources
        return {}
    (tree,) = ast.parse(source).body
    texts: dict[str, str] = {}
    for node, below in pairwise(getattr(tree, "body", ())):
        match node, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str() as text)),
            ):
                texts[name] = " ".join(text.split())
    return texts
