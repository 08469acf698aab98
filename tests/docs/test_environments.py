"""The page about environments names every one."""

from __future__ import annotations

import re
from pathlib import Path

import gymnasium as gym

from ttrl_env import ENV_IDS

PAGE = Path(__file__).parents[2] / "docs" / "environments.md"


def test_every_id_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for env_id in ENV_IDS:
        level = re.fullmatch(r"TTRL-MATH500-L[2-5]-v0", env_id)  # said as "to -L5-v0"
        assert level or env_id in page
        assert env_id in gym.registry
