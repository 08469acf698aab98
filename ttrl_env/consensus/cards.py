"""What is known of a reward before it is made.

- `RewardCard`: its name, what it rewards, where it comes from and what it needs.
- `RewardEntry`: a card with what makes the reward.
- `NEEDS`: what a reward may need.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ttrl_benchmarks import Benchmark
from ttrl_benchmarks.errors import unknown_name
from ttrl_env.consensus.ballot import Estimator
from ttrl_env.consensus.errors import RewardError

__all__ = ["NEEDS", "RewardCard", "RewardEntry"]

NEEDS = ("labels", "log-probs", "token statistics", "two prompts", "verifier")


@dataclass(frozen=True)
class RewardCard:
    """What is known of a reward before it is made.

    Attributes:
        name: The name that `reward=` takes.
        summary: What it rewards, in a few words.
        paper: Its arXiv id, or an empty string.
        needs: What it needs beyond votes, each one of `NEEDS`.
    """

    name: str
    summary: str
    paper: str = ""
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for need in self.needs:
            if need not in NEEDS:
                raise unknown_name("need of a reward", need, NEEDS)


@dataclass(frozen=True)
class RewardEntry:
    """A reward by name.

    Attributes:
        card: What is known of it.
        factory: Makes the estimator from its options, which are keywords. Where it has a
            parameter `benchmark`, it is handed what the environment asks.
        source: The distribution that brought it, or an empty string for this package's own.

    Raises:
        RewardError: The factory is not callable, or is a reward itself.
    """

    card: RewardCard
    factory: Callable[..., Estimator]
    source: str = ""

    def __post_init__(self) -> None:
        if not callable(self.factory):
            raise RewardError(
                f"The factory of reward {self.card.name!r} must be callable, not {self.factory!r}."
            )
        if "ballot" in self.options:
            raise RewardError(
                f"The factory of reward {self.card.name!r} must make an estimator from options, "
                f"and {self.factory!r} takes a ballot, so it is one. Give its class, or a function "
                "without arguments that returns it."
            )

    @property
    def options(self) -> Mapping[str, Any]:
        """The names of its options with their defaults; `inspect.Parameter.empty` for none."""
        return {
            parameter.name: parameter.default
            for parameter in inspect.signature(self.factory).parameters.values()
            if parameter.name != "benchmark"
            and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        }

    def describe_options(self) -> str:
        """Returns the options and their defaults in a line.

        >>> from ttrl_env.consensus import REWARDS
        >>> REWARDS["majority"].describe_options()
        'tie=first, min_ratio=0.0, min_margin=0.0, min_votes=0'
        """
        return ", ".join(
            f"{name}={default}" if isinstance(default, str | int | float) else f"{name}=..."
            for name, default in self.options.items()
        )

    def check_options(self, options: Mapping[str, object]) -> None:
        """Refuses options that it does not have.

        Raises:
            UnknownNameError: There is one; the message lists those that exist.
        """
        for option in options:
            if option not in self.options:
                raise unknown_name(f"option of reward {self.card.name!r}", option, self.options)

    def make(self, benchmark: Benchmark, options: Mapping[str, object]) -> Estimator:
        """Makes the estimator.

        Args:
            benchmark: What the environment asks.
            options: Its options.

        Raises:
            UnknownNameError: It has no such option.
            RewardError: An option has a value that it cannot have, or is missing.
        """
        self.check_options(options)
        known: dict[str, object] = dict(options)
        if "benchmark" in inspect.signature(self.factory).parameters:
            known["benchmark"] = benchmark
        try:
            return self.factory(**known)
        except (TypeError, ValueError) as error:
            raise RewardError(
                f"Reward {self.card.name!r}: {error}. Its options are "
                f"{self.describe_options() or 'none'}."
            ) from error
