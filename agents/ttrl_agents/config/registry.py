"""Tables of named things to which a new file can add: advantages, losses, samplers, callbacks.

- `Registry`: the package's own by name, those registered, and those of installed packages.

A file adds to a table by its `register` decorator. To be found by the command line, an installed
package names that file as an entry point in the group of the table:

    [project.entry-points."ttrl_agents.advantages"]
    median = "my_package.median"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from ttrl_agents.errors import AgentError
from ttrl_benchmarks.errors import unknown_name

__all__ = ["Registry"]

Entry = TypeVar("Entry")


class Registry(Mapping[str, Entry]):
    """Things of one kind, by name.

    Args:
        kind: What they are, for messages, e.g. `"advantage"`.
        group: The group of entry points by which installed packages add theirs. The module that
            an entry point names is imported when its name is looked up, not before, so that a
            broken package harms nobody who does not use it.

    >>> shapes = Registry[int]("shape", "example.shapes")
    >>> shapes.register("square")(4)
    4
    >>> shapes.find("square"), list(shapes)
    (4, ['square'])
    """

    def __init__(self, kind: str, group: str) -> None:
        self.kind = kind
        self.group = group
        self._entries: dict[str, Entry] = {}
        self._installed: dict[str, EntryPoint] | None = None

    @property
    def registered(self) -> tuple[str, ...]:
        """The names that are there without looking at installed packages."""
        return tuple(self._entries)

    def __getitem__(self, name: str) -> Entry:
        """Returns the entry of this name.

        Raises:
            KeyError: There is none.
            AgentError: An installed package names a module that does not register it.
        """
        if name not in self._entries:
            self._load(self._points()[name])
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys([*self._entries, *self._points()])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._points()

    def find(self, name: str) -> Entry:
        """Returns the entry of this name.

        Raises:
            UnknownNameError: There is none; the message lists the close names.
            AgentError: An installed package names a module that does not register it.
        """
        if name not in self:
            raise unknown_name(self.kind, name, self)
        return self[name]

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Returns a decorator that adds what it decorates under a name.

        Raises:
            AgentError: The name is taken.
        """
        if name in self._entries:
            raise AgentError(f"There is already one {self.kind} named {name!r}; choose another.")

        def add(entry: Entry) -> Entry:
            self._entries[name] = entry
            return entry

        return add

    def unregister(self, name: str) -> None:
        """Removes an entry.

        Raises:
            UnknownNameError: No entry of this name was registered.
        """
        if name not in self._entries:
            raise unknown_name(f"registered {self.kind}", name, self._entries)
        del self._entries[name]

    def _points(self) -> dict[str, EntryPoint]:
        if self._installed is None:
            self._installed = {each.name: each for each in entry_points(group=self.group)}
        return self._installed

    def _load(self, point: EntryPoint) -> None:
        """Imports the module of an installed package, which registers the entry."""
        where = f"{self.kind} {point.name!r} of the installed module {point.value!r}"
        try:
            point.load()
        except Exception as error:
            raise AgentError(
                f"The {where} cannot be loaded ({type(error).__name__}: {error}). Mend or remove "
                "that package."
            ) from error
        if point.name not in self._entries:
            raise AgentError(
                f"The {where} is not there: the module does not register that name. Mend or remove "
                "that package."
            )
