"""Where the tests of the environments find benchmark files; puts `env_fakes` within reach."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Seeded, and without deadlines: a shared machine is not always fast.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the reference implementation's files; skips where it is absent."""
    named = os.environ.get("TTRL_DATA_DIR")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not (folder / "AIME-TTT.json").is_file():
        pytest.skip(f"no benchmark files in {folder}; set TTRL_DATA_DIR to run this")
    return folder
