"""The table of callbacks.

- `CALLBACKS`: the callbacks by the names that `--log` takes.
- `register_callback`: the decorator that adds one.
"""

from __future__ import annotations

from collections.abc import Callable

from ttrl_agents.callbacks.base import Callback
from ttrl_agents.config.registry import Registry
from ttrl_agents.config.train_config import TrainConfig

__all__ = ["CALLBACKS", "register_callback"]

MakeCallback = Callable[[TrainConfig], Callback]

CALLBACKS: Registry[MakeCallback] = Registry("callback", "ttrl_agents.callbacks")


def register_callback(name: str) -> Callable[[MakeCallback], MakeCallback]:
    """Returns a decorator that adds a function that makes a callback from the options of a run.

    Args:
        name: The name that `--log` takes.
    """
    return CALLBACKS.register(name)
