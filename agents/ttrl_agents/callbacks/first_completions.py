"""A look at the completions of the first step, before anything is learned from them.

- `FirstCompletions`: warns where none ended, or none gave an answer.
"""

from __future__ import annotations

from typing import Any

from ttrl_agents.callbacks.base import Callback, Run
from ttrl_agents.policy.checks import check_first_completions
from ttrl_agents.rollout import Rollout

__all__ = ["FirstCompletions"]


class FirstCompletions(Callback):
    """Warns where no completion of the first step ended, or none gave an answer.

    Where a run is measured before it begins, the first completions are those, and are looked at
    there.
    """

    def on_start(self, run: Run) -> None:
        """Notes what the message needs."""
        self._run = run

    def on_rollout(self, step: int, rollout: Rollout, votes: dict[str, Any]) -> None:
        """Looks at the completions of step 1."""
        config = self._run.config
        if step == 1 and not config.evaluate:
            check_first_completions(
                self._run.policy.name,
                [each.finished for each in rollout.completions],
                [each is not None for each in votes["answer"]],
                max_tokens=config.max_tokens,
                instruction=self._run.benchmark.instruction,
            )
