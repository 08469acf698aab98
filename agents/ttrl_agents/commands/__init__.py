"""The commands of `ttrl`, one file each; nothing heavy is imported before a command runs.

- `train`: trains a model.
"""

from ttrl_agents.commands.train import train

__all__ = ["COMMANDS"]

COMMANDS = {"train": train}
