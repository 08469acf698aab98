"""The metrics of a step that come from its votes.

- `vote_metrics`: returns them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ttrl_agents.rollout import Rollout
from ttrl_env.consensus import Diagnostics
from ttrl_env.wrappers.label_metrics import METRICS as LABEL_METRICS

__all__ = ["vote_metrics"]


def vote_metrics(
    rollout: Rollout, votes: dict[str, Any], diagnostics: Diagnostics
) -> dict[str, float]:
    """Returns the metrics of a step: the diagnostics, and the mean reward.

    Args:
        rollout: The completions and their rewards.
        votes: The information about finished episodes that `ConsensusReward` gave; if
            `LabelMetrics` added to it, and labels exist, its metrics are returned too.
        diagnostics: The diagnostics, which remember the votes of earlier steps.
    """
    tokens = np.array([0 if c.token_ids is None else len(c.token_ids) for c in rollout.completions])
    metrics = diagnostics.update(votes, rollout.rewards, tokens)
    metrics["mean_reward"] = float(rollout.rewards.mean())
    metrics["tokens"] = float(tokens.sum())
    for name in LABEL_METRICS:
        known = votes.get("_" + name)
        if known is not None and known.any():
            metrics[name] = float(votes[name][known].mean())
    return metrics
