"""The code on the page about Stable-Baselines3 runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ttrl_agents.policy.loading import load_policy

PAGE = Path(__file__).parents[2] / "docs" / "sb3.md"


def test_the_code_on_the_page_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})  # noqa: S102 - our own page
    before, after = load_policy("tiny", device="cpu"), load_policy("my-model", device="cpu")
    moved = [
        (one != other).any().item()
        for one, other in zip(before.model.parameters(), after.model.parameters(), strict=True)
    ]
    assert all(moved)
