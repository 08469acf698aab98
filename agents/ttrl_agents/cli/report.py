"""`ttrl report`: a run as one HTML file.

- `report`: the command.
"""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import tyro

__all__ = ["report"]


def report(
    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")],
    run_b: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[RUN_B]")] = None,
    output: Path | None = None,
    open: bool = False,  # noqa: A002 - the name of the option
) -> None:
    """Writes a report of a run or an evaluation: one HTML file that needs no network.

    It has a verdict in words, scores before and after, curves, the votes over time, the votes that
    turned, every completion, and the options. ttrl train and ttrl eval write one at their end; a
    run that has not ended can be looked at too. With two, they are set side by side.

    Args:
        run: The directory of a run, finished or not, or the output folder of ttrl eval.
        run_b: A second one to compare with it.
        output: The file; by default report.html in the folder, or report-vs-RUN_B.html for two.
        open: Open the file in the browser.
    """
    from ttrl_agents.report import write_report

    path = write_report([run] if run_b is None else [run, run_b], output)
    print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")  # noqa: T201
    if open:
        webbrowser.open(path.resolve().as_uri())
