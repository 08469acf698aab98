"""Imports the scripts of benchmarks/paper as they are when they are run."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[3] / "benchmarks" / "paper"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a script with its folder, and what all scripts share, first on the path."""
    monkeypatch.syspath_prepend(str(SCRIPTS.parent))
    monkeypatch.syspath_prepend(str(SCRIPTS))
    own = {"pages", *(path.stem for path in SCRIPTS.glob("*.py"))}
    for name in own:  # a module of the tests may have the same name
        monkeypatch.delitem(sys.modules, name, raising=False)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name in own:
            del sys.modules[name]
