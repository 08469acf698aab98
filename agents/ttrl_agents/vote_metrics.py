"""What the votes of a step show.

- `vote_metrics`: the metrics of a step that come from the environment alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ttrl_agents.rollout import Rollout
from ttrl_env.wrappers.label_metrics import METRICS as LABEL_METRICS

__all__ = ["vote_metrics"]


def vote_metrics(rollout: Rollout, votes: dict[str, Any]) -> dict[str, float]:
    """Returns the metrics of a step, as means over completions or groups.

    Args:
        rollout: The completions and their rewards.
        votes: The information about finished episodes that `ConsensusReward` gave; where
            `LabelMetrics` added to it, and labels exist, its metrics are among those returned.
    """
    per_group = rollout.rewards.reshape(-1, rollout.group_size)
    lengths = np.array(
        [0 if c.token_ids is None else len(c.token_ids) for c in rollout.completions]
    )
    metrics = {
        "majority_ratio": float(votes["majority_ratio"].mean()),
        "mean_reward": float(rollout.rewards.mean()),
        "absent_answers": float(np.mean([answer is None for answer in votes["answer"]])),
        "truncated": float(1 - votes["finished"].mean()),
        "abstained_groups": float(votes["abstained"].mean()),
        "groups_without_gradient": float((per_group == per_group[:, :1]).all(axis=1).mean()),
        "completion_tokens": float(lengths.mean()),
        "tokens": float(lengths.sum()),
    }
    for name in LABEL_METRICS:
        known = votes.get("_" + name)
        if known is not None and known.any():
            metrics[name] = float(votes[name][known].mean())
    return metrics
