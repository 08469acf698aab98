"""The end of a run that was asked to stop.

- `Interrupted`: raised where a run was asked to stop, and is saved.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["Interrupted"]


class Interrupted(Exception):  # noqa: N818 - not an error: the run was asked to stop, and saved
    """The run was asked to stop; what it has done is saved.

    Attributes:
        folder: The run directory.
        step: Training steps that are saved.
    """

    def __init__(self, folder: Path, step: int) -> None:
        super().__init__(folder, step)
        self.folder = folder
        self.step = step

    def __str__(self) -> str:
        return f"stopped after step {self.step}"
