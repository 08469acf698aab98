"""The callback that keeps the votes of a run.

- `VotesCallback`: writes `votes.jsonl`.

What a line holds, and how it is read, is in `ttrl_agents.run.votes`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ttrl_agents.callbacks.base import Callback, Run
from ttrl_agents.rollout import Rollout
from ttrl_agents.run.votes import append_votes, read_votes, votes_of_step

__all__ = ["VotesCallback"]


class VotesCallback(Callback):
    """Writes the votes of each group of each step into `votes.jsonl`; every run has one."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._last: dict[str, str] = {}

    def on_start(self, run: Run) -> None:
        """Reads what each question elected last, so that a resumed run writes the same lines."""
        self._folder = run.folder
        self._last = {
            group.question_id: group.answers[winner].key
            for group in read_votes(run.folder)
            if (winner := group.majority) is not None
        }

    def on_rollout(self, step: int, rollout: Rollout, votes: dict[str, Any]) -> None:
        """Writes the votes of a step."""
        if self._folder is not None:
            append_votes(self._folder, votes_of_step(step, rollout, votes, self._last))
