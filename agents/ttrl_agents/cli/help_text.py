"""Help texts that are wrapped to the width of the terminal.

`tyro` keeps the line breaks of an option's documentation wherever the next line is indented.

- `join_option_help`: joins the lines of each option of a dataclass.
- `join_argument_help`: joins those of each argument of a function.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise
from types import MappingProxyType
from typing import Any

__all__ = ["join_argument_help", "join_option_help"]


def join_option_help(options: type, *pieces: type) -> None:
    """Uses the text of each field of a dataclass as its help, on one line.

    Args:
        options: The dataclass. The text of a field is the string below it in the source, of the
            dataclass or of its bases.
        pieces: Dataclasses that supply the texts of fields of the same name without one.
    """
    texts: dict[str, str] = {}
    for kind in (*pieces, *reversed(options.__mro__[:-1])):
        texts |= _texts_below(kind)
    for each in fields(options):
        if each.name in texts:
            each.metadata = MappingProxyType({**each.metadata, "help": texts[each.name]})


def _texts_below(kind: type) -> dict[str, str]:
    """Returns the string below each field in the source of a class."""
    try:
        source = inspect.getsource(kind)
    except OSError:  # installed without sources: `tyro` finds no texts either
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


def join_argument_help(function: Callable[..., Any]) -> None:
    """Puts each entry of a function's `Args:` on one line."""
    text = inspect.cleandoc(function.__doc__ or "")
    function.__doc__ = re.sub(r"\n {8}(?=\S)", " ", text)  # only they are indented so far
