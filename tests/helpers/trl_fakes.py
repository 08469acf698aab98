"""What the tests of TRL share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ttrl_env.consensus import Ballot, Verdict


class Counting:
    """Pays the number of votes on the question so far: it remembers."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def __call__(self, ballot: Ballot) -> Verdict:
        self.seen[ballot.question_id] = self.seen.get(ballot.question_id, 0) + 1
        rewards = np.full(ballot.size, float(self.seen[ballot.question_id]))
        return Verdict(rewards, pseudo_label=None)

    def state_dict(self) -> dict[str, Any]:
        return dict(self.seen)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.seen = dict(state)
