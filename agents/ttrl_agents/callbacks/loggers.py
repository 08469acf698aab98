"""The watchers that options ask for.

- `make_loggers`: TensorBoard, Weights & Biases and sample completions.
"""

from __future__ import annotations

from ttrl_agents.callbacks.base import Callback
from ttrl_agents.callbacks.samples import SamplesCallback
from ttrl_agents.callbacks.tensorboard import TensorBoardCallback
from ttrl_agents.callbacks.wandb import WandbCallback
from ttrl_agents.config.train_config import TrainConfig

__all__ = ["make_loggers"]

_LOGGERS: dict[str, type[TensorBoardCallback] | type[WandbCallback]] = {
    "tensorboard": TensorBoardCallback,
    "wandb": WandbCallback,
}


def make_loggers(config: TrainConfig) -> list[Callback]:
    """Returns the watchers that `--log` and `--sample-every` ask for.

    Raises:
        AgentError: A package that one of them needs is missing.
    """
    watchers: list[Callback] = [_LOGGERS[name](config.sample_every) for name in config.log]
    return watchers + ([SamplesCallback(config.sample_every)] if config.sample_every else [])
