"""The page on rewards: its code runs, and it has every reward."""

from __future__ import annotations

import re
from pathlib import Path

from ttrl_env.consensus import REWARDS, unregister_estimator

PAGE = (Path(__file__).parents[3] / "docs" / "rewards.md").read_text(encoding="utf-8")


def test_the_code_on_the_page_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, object] = {"__name__": "__main__"}
    try:
        for block in blocks:
            code = compile(block, "rewards.md", "exec", dont_inherit=True)
            exec(code, names)  # noqa: S102 - our own page
    finally:
        if "brief_majority" in REWARDS:
            unregister_estimator("brief_majority")


def test_every_reward_is_in_the_table_with_its_paper() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*)\|", PAGE, re.MULTILINE))
    assert set(rows) == set(REWARDS)
    for name, paper in rows.items():
        assert REWARDS[name].card.paper in paper
