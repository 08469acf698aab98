"""The pieces of an algorithm that are looked up by name.

- `check_pieces`: checks that the tables have them.
"""

from __future__ import annotations

from ttrl_agents.config.algorithms import Algorithm
from ttrl_agents.learning.advantages import ADVANTAGES
from ttrl_agents.learning.losses import SURROGATES

__all__ = ["check_pieces"]


def check_pieces(algorithm: Algorithm) -> None:
    """Checks, before anything is loaded, that an algorithm names pieces that exist.

    Raises:
        UnknownNameError: There is no such advantage or objective.
        AgentError: An installed package names one and does not register it.
    """
    ADVANTAGES.find(algorithm.advantage)
    SURROGATES.find(algorithm.objective)
