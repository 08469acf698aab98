"""The commands of `ttrl`; nothing heavy is imported before a command runs.

- `train`: trains a model.
- `eval`, `compare`: measures one; compares two measurements.
- `benchmarks`, `fetch`: which questions there are, and how to get them.
- `rewards`: how votes become rewards.
- `grade`, `extract`: how answers are read, step by step.
"""

from collections.abc import Callable
from typing import Any

from ttrl_agents.commands.answers import extract, grade
from ttrl_agents.commands.benchmarks import benchmarks, fetch
from ttrl_agents.commands.compare import compare
from ttrl_agents.commands.eval import evaluate
from ttrl_agents.commands.rewards import rewards
from ttrl_agents.commands.train import train

__all__ = ["COMMANDS"]

COMMANDS: dict[str, Callable[..., Any]] = {
    "train": train,
    "eval": evaluate,
    "compare": compare,
    "benchmarks": benchmarks,
    "fetch": fetch,
    "rewards": rewards,
    "grade": grade,
    "extract": extract,
}
