"""The report of a run: one HTML file that needs neither a server nor a network.

- `write_report`: writes it; `REPORT`: its name in a run directory.
"""

from ttrl_agents.report.write import REPORT, write_report

__all__ = ["REPORT", "write_report"]
