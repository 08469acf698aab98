"""Reads what trackio wrote on this machine."""

from __future__ import annotations

from typing import Any


def trackio_rows(project: str = "ttrl") -> dict[str, list[dict[str, Any]]]:
    """The rows of each run of a project, by the name of the run, in the order of their steps."""
    from trackio.sqlite_storage import SQLiteStorage

    names = [str(record["name"]) for record in SQLiteStorage.get_run_records(project)]
    return {name: SQLiteStorage.get_logs(project, name) for name in names}


def trackio_alerts(project: str = "ttrl") -> list[dict[str, Any]]:
    """The alerts of all runs of a project."""
    import trackio

    return list(trackio.Api().alerts(project))
