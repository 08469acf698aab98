"""The entry points by which other installed packages bring something.

- `find_plugins`: the entry points of a group by name.
- `load_plugin`: what one of them names.
- `plugin_source`: the distribution that an entry point belongs to.
"""

from __future__ import annotations

import warnings
from collections.abc import Container
from importlib.metadata import EntryPoint, entry_points

__all__ = ["find_plugins", "load_plugin", "plugin_source"]


def find_plugins(group: str, kind: str, taken: Container[str]) -> dict[str, EntryPoint]:
    """Returns the entry points of a group by name, without importing anything of theirs.

    One whose name is taken is left out with a warning.

    Args:
        group: The group, e.g. `"ttrl_env.benchmarks"`.
        kind: What they bring, for the warning, e.g. `"benchmark"`.
        taken: The names that they cannot have.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        if point.name in taken or point.name in found:
            warnings.warn(
                f"There is a {kind} named {point.name!r} already, so that of the installed "
                f"package {plugin_source(point)!r} is left out; it should choose another name.",
                stacklevel=2,
            )
        else:
            found[point.name] = point
    return found


def load_plugin(point: EntryPoint, kind: str, error: type[Exception]) -> object:
    """Returns what an entry point names, and imports its module for it.

    Args:
        point: The entry point.
        kind: What it brings, for the message.
        error: The error to raise where the module is broken, whatever is wrong with it.
    """
    try:
        return point.load()
    except Exception as cause:
        raise error(
            f"{kind.capitalize()} {point.name!r} of the installed package "
            f"{plugin_source(point)!r} cannot be loaded ({type(cause).__name__}: {cause}). Repair "
            "or remove that package."
        ) from cause


def plugin_source(point: EntryPoint) -> str:
    """Returns the name of the distribution that an entry point belongs to."""
    return point.dist.name if point.dist is not None else point.value
