"""The page of commands lists those that there are."""

import re
from pathlib import Path

from ttrl_agents.cli.commands import commands_for

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_every_command_has_a_row():
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(commands_for([]))
