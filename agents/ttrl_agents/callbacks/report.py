"""The callback that writes the report of a run when it ends.

- `ReportCallback`: writes `report.html`.
"""

from __future__ import annotations

from pathlib import Path

from ttrl_agents.callbacks.at_end import WritesAtEnd

__all__ = ["ReportCallback"]


class ReportCallback(WritesAtEnd):
    """Writes `report.html` into the run directory when the run ends; see `ttrl report`."""

    def write(self, folder: Path) -> None:
        """Writes the report."""
        # Imported here, as it is only needed at the end.
        from ttrl_agents.report import write_report

        write_report([folder])
