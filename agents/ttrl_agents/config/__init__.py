"""Options: dataclasses, algorithms, presets. Nothing here imports PyTorch.

- `TrainConfig`: every option of `ttrl train`.
- `EvalConfig`: every option of `ttrl eval`.
- `Algorithm`, `ALGORITHMS`: the pieces of a policy-gradient algorithm, and its named presets.
"""

from ttrl_agents.config.algorithms import ALGORITHMS, Algorithm
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.config.train_config import TrainConfig

__all__ = ["ALGORITHMS", "Algorithm", "EvalConfig", "TrainConfig"]
