"""Results of the GPU check, written as they come.

- `Report`: takes the results of a stage.
- `Skipped`: raised by a stage that cannot run here.
- `read_results`, `write_table`: the results so far as a Markdown table.

A result is a line of JSON, on disk before the next one is computed: whatever ran before a crash or
a time limit is kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ttrl_env.files import write_atomically

__all__ = ["RESULTS", "TABLE", "Report", "Skipped", "read_results", "write_table"]

RESULTS, TABLE = "results.jsonl", "results.md"
_MARKS = {"passed": "passed", "failed": "**failed**", "measured": "", "skipped": "skipped"}


class Skipped(Exception):  # noqa: N818 - not an error: the reason is a result
    """The stage cannot run here; the message says why."""


class Report:
    """Takes the results of a stage and appends them to a file.

    Args:
        folder: Where the file is.
        stage: The name of the stage.
    """

    def __init__(self, folder: Path, stage: str) -> None:
        self.folder = folder
        self.stage = stage

    def measure(self, name: str, value: float | str | bool, unit: str = "") -> None:
        """Notes a measurement that no limit applies to."""
        self._add("measured", name, value=value, unit=unit)

    def check(
        self,
        name: str,
        value: float,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        unit: str = "",
    ) -> None:
        """Notes a measurement and whether it keeps its limits; NaN keeps none."""
        kept = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
        limits = {"at_most": at_most, "at_least": at_least}
        given = {name: limit for name, limit in limits.items() if limit is not None}
        status = "passed" if kept and value == value else "failed"
        self._add(status, name, value=value, unit=unit, **given)

    def confirm(self, name: str, holds: bool) -> None:
        """Notes whether something that must hold does."""
        self._add("passed" if holds else "failed", name, value=holds, unit="")

    def fail(self, name: str, reason: str) -> None:
        """Notes a failure."""
        self._add("failed", name, reason=reason)

    def skip(self, name: str, reason: str) -> None:
        """Notes what cannot be measured here, and why."""
        self._add("skipped", name, reason=reason)

    def _add(self, status: str, name: str, **rest: Any) -> None:
        line = json.dumps({"stage": self.stage, "name": name, "status": status, **rest})
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / RESULTS).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Returns the results so far."""
    path = folder / RESULTS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines]


def write_table(folder: Path, title: str, results: Sequence[Mapping[str, Any]]) -> str:
    """Writes the results as a Markdown table, and returns it."""
    rows = [
        f"| {each['stage']} | {each['name']} | {_value(each)} | {_limit(each)} | "
        f"{_MARKS[each['status']]} |"
        for each in results
    ]
    table = "\n".join([title, "", "| stage | what | result | limit | |", "|---" * 5 + "|", *rows])
    write_atomically(folder / TABLE, table + "\n")
    return table


def _value(result: Mapping[str, Any]) -> str:
    if "reason" in result:
        return str(result["reason"]).replace("|", "/").replace("\n", " ")
    value = result["value"]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.replace("|", "/")
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{shown} {result['unit']}".strip()


def _limit(result: Mapping[str, Any]) -> str:
    parts = []
    if "at_most" in result:
        parts.append(f"at most {result['at_most']:g}")
    if "at_least" in result:
        parts.append(f"at least {result['at_least']:g}")
    return ", ".join(parts)
