"""The groups of options that `--help` shows, declared among the options themselves.

- `Heading`: the type of a heading in a dataclass of options.
- `Group`: a heading and the options below it.
- `groups_of`: the groups of a dataclass of options.
- `OwnGroup`: a group of options that are a command's own, named in their annotations.
- `in_help_order`: reorders the fields of a dataclass by their groups.

An option belongs to the heading above it, so a new option has its group by where it is declared.
"""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Group", "Heading", "OwnGroup", "groups_of", "in_help_order"]

_FIRST = ("model", "env", "data", "seed")

Options = TypeVar("Options", bound="DataclassInstance")


class Heading:
    """The type of a heading: a class variable without a value, with a string below that says more.

    >>> @dataclass
    ... class Tea:
    ...     WATER: ClassVar[Heading]
    ...     celsius: int = 95
    ...     LEAVES_AND_MILK: ClassVar[Heading]
    ...     grams: int = 3
    >>> [(group.title, group.options) for group in groups_of(Tea)]
    [('water', ('celsius',)), ('leaves and milk', ('grams',))]
    """


@dataclass(frozen=True)
class Group:
    """A heading and the options below it.

    Attributes:
        name: The class variable that declares the heading.
        options: The names of the fields.
    """

    name: str
    options: tuple[str, ...]

    @property
    def title(self) -> str:
        """The heading in words."""
        return self.name.replace("_", " ").lower()


@dataclass(frozen=True)
class OwnGroup:
    """A group of options that are parameters of a command; only the long help shows them.

    A parameter belongs to it by its annotation, `Annotated[int, OwnGroup("title", "text")]`.

    Attributes:
        title: The heading.
        text: What the options have in common.
    """

    title: str
    text: str


def groups_of(kind: type[DataclassInstance]) -> tuple[Group, ...]:
    """Returns the groups of a dataclass of options.

    Headings of the same name in a base class and in the dataclass are one group. The dataclass sets
    the order of the groups; those that only its bases have come last. Within a group the fields of
    the dataclass come first, but for the model, the questions and the seed, which begin theirs.

    Raises:
        TypeError: An option is above the first heading.
    """
    found: dict[str, list[str]] = {}
    for each in kind.__mro__:
        heading = None
        for name, hint in _own_hints(each).items():
            if hint == ClassVar[Heading]:
                heading = name
                found.setdefault(name, [])
            elif typing.get_origin(hint) is not ClassVar:
                if heading is None:
                    raise TypeError(f"{each.__name__}.{name} is above the first heading")
                found[heading].append(name)
    groups = []
    for heading, names in found.items():
        first = [name for name in _FIRST if name in names]
        groups.append(Group(heading, tuple(dict.fromkeys([*first, *names]))))
    return tuple(group for group in groups if group.options)


def in_help_order(kind: type[Options]) -> type[Options]:
    """Reorders the fields of a dataclass of options by their groups."""
    every = kind.__dataclass_fields__
    names = [name for group in groups_of(kind) for name in group.options]
    kind.__dataclass_fields__ = {name: every[name] for name in dict.fromkeys([*names, *every])}
    return kind


def _own_hints(kind: type) -> dict[str, Any]:
    """Returns the types of what a class itself declares, in the order of its source."""
    hints = typing.get_type_hints(kind)
    return {name: hints[name] for name in inspect.get_annotations(kind)}
