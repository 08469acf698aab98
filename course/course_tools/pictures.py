"""The pictures of the lessons.

- `save_picture`: saves a figure under `output/`; a notebook shows it as well.
- `output_folder`: the folder of pictures and runs.
"""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from course_tools.where import COURSE, in_notebook

__all__ = ["OUTPUT_VARIABLE", "output_folder", "save_picture"]

OUTPUT_VARIABLE = "TTRL_COURSE_OUTPUT"

if not in_notebook():
    mpl.use("Agg")  # a script needs no window, and a laptop may have no toolkit for one
mpl.rcParams.update(
    {
        "figure.figsize": (9, 4),
        "figure.dpi": 110,
        "figure.constrained_layout.use": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.3,
    }
)


def output_folder() -> Path:
    """Returns the folder of pictures and runs, `output` beside the lessons unless it is set."""
    return Path(os.environ.get(OUTPUT_VARIABLE) or COURSE / "output")


def save_picture(figure: Figure, name: str) -> Path:
    """Saves a figure as `output/NAME.png` beside the lessons, and says where.

    Args:
        figure: The figure.
        name: The name of the file, without its ending, e.g. `"lesson_01"`.
    """
    folder = output_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    figure.savefig(path)
    print(f"picture: {path}")
    return path
