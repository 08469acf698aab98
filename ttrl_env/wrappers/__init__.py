"""Wrappers of vector environments.

- `ConsensusReward`: the votes of each group become its rewards.
- `LabelMetrics`: how right the pseudo-labels are; the only wrapper that sees labels.
- `find_consensus_reward`: the reward wrapper inside other wrappers.
- `finished_info`: the information about the episodes that a step ended.
"""

from ttrl_env.wrappers.consensus_reward import (
    ConsensusReward,
    find_consensus_reward,
    finished_info,
)
from ttrl_env.wrappers.label_metrics import LabelMetrics

__all__ = ["ConsensusReward", "LabelMetrics", "find_consensus_reward", "finished_info"]
