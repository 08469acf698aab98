"""The comparison of what every rank holds for itself and must hold alike.

- `check_replicas`: raises an error that names what differs.

Votes, rewards, metrics and the collapse monitor are computed on every rank from the same
completions. If a callback, an agent or a reward behaves differently on one rank, ranks would train
different models without a word; this finds it before it is saved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ttrl_agents.distributed.world import World
from ttrl_agents.errors import AgentError

__all__ = ["check_replicas"]


def check_replicas(ranks: World, step: int, parts: Mapping[str, Any]) -> None:
    """Compares parts of a run over ranks.

    Args:
        ranks: The ranks.
        step: The training step, for the message.
        parts: What to compare, JSON by name. A part that only some ranks have is not compared.

    Raises:
        AgentError: A part differs; the message names it. Every rank raises it.
    """
    if ranks.size == 1:
        return
    found = ranks.gather({name: _digest(part) for name, part in parts.items()})
    for name in sorted(set.intersection(*map(set, found))):
        values = [each[name] for each in found]
        other = next((rank for rank, each in enumerate(values) if each != values[0]), None)
        if other is not None:
            raise AgentError(
                f"After step {step} the ranks of this run disagree: {name} differs between rank 0 "
                f"and rank {other}, so nothing more is saved. A callback that changes the run must "
                "do so on every rank (Callback.everywhere), and an agent, a reward or a sampler "
                "must not draw random numbers of its own. The last checkpoint is whole."
            )


def _digest(part: Any) -> str:
    text = json.dumps(part, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
