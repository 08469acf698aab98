"""Callbacks that write one file when a run ends.

- `WritesAtEnd`: the base class of those that write from what the run directory holds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from ttrl_agents.callbacks.base import Callback, Run

__all__ = ["WritesAtEnd"]


class WritesAtEnd(Callback, ABC):
    """Calls `write` with the run directory when the run is complete."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Writes the file.

        Args:
            folder: The run directory.
        """

    def on_start(self, run: Run) -> None:
        """Remembers where to write."""
        self._folder = run.folder

    def on_end(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - read from the folder
        """Writes the file."""
        if self._folder is not None:
            self.write(self._folder)
