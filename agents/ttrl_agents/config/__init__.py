"""Options of a run: one dataclass, the algorithms, the presets. Nothing here imports PyTorch.

- `TrainConfig`: every option of `ttrl train`.
- `Algorithm`, `ALGORITHMS`: the pieces of a policy-gradient algorithm, and its named presets.
"""

from ttrl_agents.config.algorithms import ALGORITHMS, Algorithm
from ttrl_agents.config.train_config import TrainConfig

__all__ = ["ALGORITHMS", "Algorithm", "TrainConfig"]
