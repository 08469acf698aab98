"""The code on the page "Bring your algorithm" runs as it stands, each half from its start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "bring_your_algorithm.md"


def run(heading: str) -> dict[str, Any]:
    """Executes the blocks of one half, in order and in one namespace."""
    (half,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.M | re.S)
    blocks = re.findall(r"```python\n(.*?)```", half, re.DOTALL)
    assert len(blocks) >= 3
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    return names


@pytest.mark.slow
def test_the_way_from_gymnasium() -> None:
    names = run("From Gymnasium")
    gradients = [parameter.grad for parameter in names["policy"].model.parameters()]
    assert all(gradient is not None for gradient in gradients)
    assert any(gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.slow
def test_the_way_from_trl() -> None:
    pytest.importorskip("trl", reason="needs ttrl-env[trl]")
    names = run("From TRL")
    assert names["trainer"].state.global_step == 1
    assert names["step"] == 1
