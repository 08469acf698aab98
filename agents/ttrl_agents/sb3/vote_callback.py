"""The metrics of the votes in the logs of Stable-Baselines3.

- `VoteMetrics`: the callback.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from ttrl_env.wrappers.label_metrics import METRICS as LABEL_METRICS

__all__ = ["VoteMetrics"]


class VoteMetrics(BaseCallback):
    """Logs means over the completions whose groups were rewarded in a rollout.

    Under `votes/`: `majority_ratio`, `absent_answers`, `truncated`, `abstained`, and the metrics
    of `LabelMetrics` if the environment uses it and there are labels.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, list[float]] = {}

    def _on_rollout_start(self) -> None:
        self._seen = {}

    def _on_step(self) -> bool:
        for done, info in zip(self.locals["dones"], self.locals["infos"], strict=True):
            if done:
                for name, value in _measured(info).items():
                    self._seen.setdefault(name, []).append(float(value))
        return True

    def _on_rollout_end(self) -> None:
        for name, values in self._seen.items():
            self.logger.record(f"votes/{name}", float(np.mean(values)))


def _measured(info: dict[str, Any]) -> dict[str, Any]:
    metrics = {name: info[name] for name in LABEL_METRICS if name in info}
    if "vote" in info:
        metrics |= {
            "majority_ratio": info["majority_ratio"],
            "absent_answers": info["vote"] < 0,
            "truncated": not info["finished"],
            "abstained": info["abstained"],
        }
    return metrics
