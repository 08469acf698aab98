"""Helpers for rewards that wrap another reward.

- `Around`: what such rewards have in common.
- `check_inner`: raises for what is not a reward.
- `needs`: whether a reward needs something of the sampler.
- `remembers`: whether a reward remembers anything between visits.
- `inner_state`, `load_inner_state`: what it remembers between visits.
"""

from __future__ import annotations

from typing import Any

from ttrl_env.consensus.cards import brings_of
from ttrl_env.consensus.verdict import Estimator

__all__ = [
    "Around",
    "check_inner",
    "inner_state",
    "load_inner_state",
    "needs",
    "remembers",
]


class Around:
    """A reward around another needs, brings and remembers what that one does.

    A class that remembers something of its own says `remembers = True`, and has methods of its own
    for its state.

    Attributes:
        inner: The other reward.
    """

    inner: Estimator

    @property
    def needs_token_statistics(self) -> bool:
        """As the other reward."""
        return needs(self.inner, "token_statistics")

    @property
    def needs_two_prompts(self) -> bool:
        """As the other reward."""
        return needs(self.inner, "two_prompts")

    @property
    def needs_labels(self) -> bool:
        """As the other reward."""
        return needs(self.inner, "labels")

    @property
    def needs_log_probs(self) -> bool:
        """As the other reward."""
        return needs(self.inner, "log_probs")

    @property
    def own_advantages(self) -> bool:
        """As the other reward."""
        return "advantages" in brings_of(self.inner)

    @property
    def own_weights(self) -> bool:
        """As the other reward."""
        return "weights" in brings_of(self.inner)

    @property
    def remembers(self) -> bool:
        """As the other reward."""
        return remembers(self.inner)

    def state_dict(self) -> dict[str, Any]:
        """Returns what the other reward remembers."""
        return inner_state(self.inner)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        load_inner_state(self.inner, state)


def check_inner(estimator: object) -> None:
    """Checks that something is a reward.

    Raises:
        ValueError: It is a name, which only rewards given as text take, or not callable.
    """
    if isinstance(estimator, type) or not callable(estimator):
        raise ValueError(f"inner must be a reward, (Ballot) -> Verdict, not {estimator!r}")


def needs(estimator: Estimator, what: str) -> bool:
    """Returns whether a reward needs something, e.g. `"token_statistics"`; no is the default."""
    return bool(getattr(estimator, f"needs_{what}", False))


def remembers(estimator: Estimator) -> bool:
    """Returns whether a reward remembers anything between visits.

    One that has `state_dict` does, unless its attribute `remembers` is false.
    """
    return hasattr(estimator, "state_dict") and bool(getattr(estimator, "remembers", True))


def inner_state(estimator: Estimator) -> dict[str, Any]:
    """Returns what a reward remembers; nothing, where it remembers nothing."""
    state: dict[str, Any] = estimator.state_dict() if hasattr(estimator, "state_dict") else {}
    return state


def load_inner_state(estimator: Estimator, state: dict[str, Any]) -> None:
    """Gives a reward back what it remembered.

    Raises:
        ValueError: There is something to give back, and the reward remembers nothing.
    """
    if hasattr(estimator, "load_state_dict"):
        estimator.load_state_dict(state)
    elif state:
        raise ValueError(
            f"{estimator!r} keeps no state, and was given {sorted(state)}; it is not the reward "
            "that the state was saved with"
        )
