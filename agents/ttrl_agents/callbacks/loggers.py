"""The callbacks that options ask for.

- `make_loggers`: TensorBoard, Weights & Biases, those of installed packages, and samples.
"""

from __future__ import annotations

from ttrl_agents.callbacks.base import Callback
from ttrl_agents.callbacks.registry import CALLBACKS
from ttrl_agents.callbacks.samples import SamplesCallback
from ttrl_agents.config.train_config import TrainConfig

__all__ = ["make_loggers"]


def make_loggers(config: TrainConfig) -> list[Callback]:
    """Returns the callbacks that `--log` and `--sample-every` ask for.

    Raises:
        UnknownNameError: `--log` names a callback that does not exist.
        AgentError: A package that one of them needs is missing.
    """
    loggers = [CALLBACKS.find(name)(config) for name in config.log]
    return loggers + ([SamplesCallback(config.sample_every)] if config.sample_every else [])
