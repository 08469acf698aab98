"""The folder of the benchmark files, and the two ways in which Hypothesis looks for examples."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Neither has deadlines: a shared machine is not always fast. The default tries the same examples
# each time; `--hypothesis-profile explore` looks for new ones, and for ten times as many.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, max_examples=1_000)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder that TTRL_DATA_DIR names, with the files of the paper's reference implementation.

    The test is skipped where it is not set, or names a folder without them.
    """
    named = os.environ.get("TTRL_DATA_DIR")
    if not named or not (Path(named) / "AIME-TTT.json").is_file():
        pytest.skip("set TTRL_DATA_DIR to the folder of the benchmark files")
    return Path(named)
