"""Where the tests find data files, and how they write their own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_ambient_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds data through the environment that it happens to run in."""
    monkeypatch.delenv("TTRL_DATA_DIR", raising=False)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the reference implementation's files; skips where it is absent."""
    named = os.environ.get("TTRL_DATA_DIR")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not (folder / "AIME-TTT.json").is_file():
        pytest.skip(f"no benchmark files in {folder}; set TTRL_DATA_DIR to run this")
    return folder


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows to a file of any text format, and returns its path."""

    def write(name: str, rows: list[dict[str, Any]]) -> Path:
        path = tmp_path / name
        if path.suffix == ".json":
            path.write_text(json.dumps(rows), encoding="utf-8")
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write
