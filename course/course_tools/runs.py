"""Training runs in a lesson.

- `run_folder`: a folder for a run of the lesson, emptied of the last one.
- `Progress`: prints a line every few steps.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from course_tools.pictures import output_folder
from ttrl_agents.callbacks import Callback

__all__ = ["Progress", "run_folder"]


def run_folder(name: str) -> Path:
    """Returns the folder `output/NAME` for a run; an earlier run of the lesson is removed.

    Args:
        name: The name of the folder, e.g. `"lesson_05"`.

    Raises:
        FileExistsError: Something that is not a run is there.
    """
    folder = output_folder() / name
    if folder.exists():
        if any(folder.iterdir()) and not (folder / "config.json").is_file():
            raise FileExistsError(f"{folder} is not a run of this lesson; move it away")
        shutil.rmtree(folder)
    return folder


class Progress(Callback):
    """Prints a line every few steps, with the mean of each metric over these steps.

    Args:
        every: The number of steps.
        shown: What is printed, by the name of its metric; by default two that most runs have.
    """

    def __init__(self, every: int = 10, shown: Mapping[str, str] | None = None) -> None:
        self.every = every
        self.shown = shown or {"ground_truth_ratio": "right", "majority_ratio": "agreement"}
        self._kept: list[Mapping[str, float]] = []

    def on_step(self, step: int, metrics: dict[str, float]) -> None:
        """Keeps the metrics of a step, and prints the line that is due."""
        self._kept.append(metrics)
        if step % self.every:
            return
        parts = []
        for name, words in self.shown.items():
            values = [each[name] for each in self._kept if name in each]
            if values:
                parts.append(f"{words} {sum(values) / len(values):.2f}")
        print(f"step {step}: {', '.join(parts)}")
        self._kept.clear()
