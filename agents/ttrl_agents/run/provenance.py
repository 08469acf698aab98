"""Where a run comes from: its command, and the versions that it ran with.

- `note_start`: adds a start to `provenance.json`; a resumed run has several.
- `read_provenance`: the starts of a run.
- `versions_of`: the versions of installed distributions; `DISTRIBUTIONS`: those that are noted.
"""

from __future__ import annotations

import json
import platform
import shlex
import sys
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from ttrl_agents.errors import AgentError
from ttrl_env.files import parse_json, write_atomically

__all__ = ["DISTRIBUTIONS", "PROVENANCE", "note_start", "read_provenance", "versions_of"]

PROVENANCE = "provenance.json"
DISTRIBUTIONS = ("ttrl-env", "torch", "transformers", "numpy", "gymnasium", "sympy", "vllm")


def note_start(folder: Path) -> None:
    """Adds the command of this process and the versions that it runs with."""
    program = Path(sys.argv[0]).name or "python"
    start = {
        "command": shlex.join([program, *sys.argv[1:]]),
        "time": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "versions": versions_of(DISTRIBUTIONS),
    }
    starts = [*read_provenance(folder), start]
    write_atomically(folder / PROVENANCE, json.dumps({"starts": starts}, indent=2) + "\n")


def read_provenance(folder: Path) -> list[dict[str, Any]]:
    """Returns the starts of a run, the first one first; none where they were not noted.

    Raises:
        AgentError: The file is damaged.
    """
    path = folder / PROVENANCE
    try:
        starts = parse_json(path.read_text(encoding="utf-8"))["starts"]
        return [_checked(each) for each in starts]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AgentError(f"{path} is damaged ({error}). Remove it to go on without.") from error


def _checked(start: dict[str, Any]) -> dict[str, Any]:
    """Returns a start that has what a report shows of it."""
    texts = [start[name] for name in ("command", "time", "python", "system")]
    if not all(isinstance(each, str) for each in texts) or not isinstance(start["versions"], dict):
        raise ValueError("a start without its command, time and versions")
    return start


def versions_of(distributions: Iterable[str]) -> dict[str, str]:
    """Returns the versions of those distributions that are installed."""
    found = {}
    for name in distributions:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
