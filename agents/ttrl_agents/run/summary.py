"""The summary of a run: its results in one JSON object.

- `summarize_run`: returns it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.run.best_checkpoint import BEST, BestCheckpoint
from ttrl_agents.run.checkpoint import TrainerState

__all__ = ["summarize_run"]


def summarize_run(
    config: TrainConfig,
    state: TrainerState,
    best: BestCheckpoint,
    questions: int,
    votes: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns the content of `summary.json` for a run that has ended.

    Args:
        config: The options of the run.
        state: Its last state.
        best: Its best checkpoint.
        questions: How many questions it was trained on.
        votes: How the votes turned, as `RunEvaluations.turned` returns it.
    """
    nothing = {"train": None, "held_out": None}
    during = {
        name: each for name, each in state.evaluations.items() if name not in ("before", "after")
    }
    return {
        "env_id": config.env,
        "model": config.model,
        "reward": config.reward,
        "seed": config.seed,
        "steps": state.step,
        "seconds": round(state.seconds, 2),
        "before": state.evaluations.get("before", nothing),
        "after": state.evaluations.get("after", nothing),
        "during": during,
        **votes,
        "temperature": config.temperature,
        "questions": questions,
        "checkpoint": "checkpoint",
        "checkpoint_step": best.step if state.stopped else state.step,
        "best": {"checkpoint": f"checkpoints/{BEST}/model", **best.to_dict()},
        "alarms": state.alarms,
        "stopped": state.stopped,
    }
