"""Where a lesson runs: its folder, and whether in a notebook.

- `COURSE`: the folder of the lessons.
- `in_notebook`: whether this is a notebook, or another shell of IPython.
- `load`: loads a file of the course by its path.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

__all__ = ["COURSE", "in_notebook", "load"]

COURSE = Path(__file__).resolve().parents[1]


def in_notebook() -> bool:
    """Returns whether this is a notebook, or another shell of IPython."""
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


def load(path: Path) -> ModuleType:
    """Returns a file of the course as a module; it is run once.

    The file is named by its path, so that no other module's name can hide it.

    Args:
        path: The file.
    """
    name = f"course_{path.parent.name}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
