"""Where all tests find the benchmark files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the reference implementation's files; skips where it is absent."""
    named = os.environ.get("TTRL_DATA_DIR")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not (folder / "AIME-TTT.json").is_file():
        pytest.skip(f"no benchmark files in {folder}; set TTRL_DATA_DIR to run this")
    return folder
