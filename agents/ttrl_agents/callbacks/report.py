"""The callback that writes the report of a run when it ends.

- `ReportCallback`: writes `report.html`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ttrl_agents.callbacks.base import Callback, Run

__all__ = ["ReportCallback"]


class ReportCallback(Callback):
    """Writes `report.html` into the run directory when the run ends; see `ttrl report`."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def on_start(self, run: Run) -> None:
        """Remembers where to write."""
        self._folder = run.folder

    def on_end(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - read from the folder
        """Writes the report."""
        # Imported here, as it is only needed at the end.
        from ttrl_agents.report import write_report

        if self._folder is not None:
            write_report([self._folder])
