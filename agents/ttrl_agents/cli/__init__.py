"""The command `ttrl`.

- `main`: the console script.
"""

from ttrl_agents.cli.entry import main

__all__ = ["main"]
