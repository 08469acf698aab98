"""Wrappers of vector environments.

- `ConsensusReward`: the votes of each group become its rewards.
- `LabelMetrics`: how right the pseudo-labels are; the only wrapper that sees labels.
- `TokenActions`: actions as token ids.
- `RecordRollouts`, `read_rollouts`: every vote, recorded and read again.
- `find_consensus_reward`: the reward wrapper inside other wrappers.
- `benchmark_with_labels`: the one way to the labels of an environment.
- `finished_info`: the information about the episodes that a step ended.
"""

from ttrl_env.records import read_rollouts
from ttrl_env.wrappers.consensus_reward import (
    ConsensusReward,
    find_consensus_reward,
    finished_info,
)
from ttrl_env.wrappers.label_metrics import LabelMetrics
from ttrl_env.wrappers.labels import benchmark_with_labels
from ttrl_env.wrappers.record_rollouts import RecordRollouts
from ttrl_env.wrappers.token_actions import TokenActions

__all__ = [
    "ConsensusReward",
    "LabelMetrics",
    "RecordRollouts",
    "TokenActions",
    "benchmark_with_labels",
    "find_consensus_reward",
    "finished_info",
    "read_rollouts",
]
