"""The console that commands print to.

- `CommandConsole`: prints plain text and tables.
"""

from __future__ import annotations

import errno

from rich.console import Console

__all__ = ["CommandConsole"]


class CommandConsole(Console):
    """Prints plain text and tables; a reader that goes away, as in `| head`, ends the command."""

    def __init__(self) -> None:
        super().__init__(highlight=False)

    def on_broken_pipe(self) -> None:
        """Raises the error that the command line ends on, instead of ending the process."""
        raise BrokenPipeError(errno.EPIPE, "the reader of the output has gone")
