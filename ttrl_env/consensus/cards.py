"""Reward cards: what is known of a reward before it is made.

- `RewardCard`: its name, what it rewards, where it comes from and what it needs.
- `RewardEntry`: a card with what makes the reward.
- `reward`: the decorator by which a reward of this package gives itself a name.
- `OWN_REWARDS`: the rewards that have done so.
- `NEEDS`, `needs_of`, `may_need`: what a reward may need, and how its class says so.
- `BRINGS`, `brings_of`: what a reward may bring beside rewards.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from ttrl_benchmarks import Benchmark
from ttrl_benchmarks.errors import unknown_name
from ttrl_env.consensus.errors import RewardError
from ttrl_env.consensus.verdict import Estimator

__all__ = [
    "BRINGS",
    "KINDS",
    "NEEDS",
    "OWN_REWARDS",
    "Kind",
    "RewardCard",
    "RewardEntry",
    "brings_of",
    "may_need",
    "needs_of",
    "reward",
]

Kind = Literal["votes", "second opinion", "around another", "certainty", "control"]
KINDS: tuple[str, ...] = get_args(Kind)
"""What rewards go by, in the order in which they are listed."""

NEEDS = ("labels", "log-probs", "token statistics", "two prompts", "verifier")
"""What a reward may need beyond votes. A class says it by attributes such as `needs_labels = True`
or `needs_two_prompts = True`."""

BRINGS = ("advantages", "weights")
"""What a reward may bring beside rewards, for each completion; see `Verdict`. A class says it by
the attributes `own_advantages = True` and `own_weights = True`."""

Factory = TypeVar("Factory", bound=Callable[..., Estimator])


class may_need:  # noqa: N801 - a decorator, as `property` is
    """A need of a reward, or what it brings, that depends on its options.

    Of the class it is true; of an estimator, what the decorated method returns.

    >>> class Sure:
    ...     @may_need
    ...     def needs_token_statistics(self):
    ...         return False
    >>> Sure.needs_token_statistics, Sure().needs_token_statistics
    (True, False)
    """

    def __init__(self, method: Callable[[Any], bool]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, instance: object | None, owner: type) -> bool:
        return True if instance is None else self._method(instance)


def needs_of(reward: object) -> tuple[str, ...]:
    """Returns which of `NEEDS` an estimator has, or those of its class may have.

    >>> from ttrl_env.consensus import DeepConf
    >>> needs_of(DeepConf), needs_of(DeepConf(measure="probability"))
    (('token statistics',), ('log-probs',))
    """
    return tuple(
        need
        for need in NEEDS
        if getattr(reward, "needs_" + need.replace(" ", "_").replace("-", "_"), False) is True
    )


def brings_of(reward: object) -> tuple[str, ...]:
    """Returns which of `BRINGS` an estimator may bring beside rewards, or those of its class.

    >>> from ttrl_env.consensus import EntropyShaped, Guard
    >>> brings_of(Guard), brings_of(EntropyShaped(mode="clip"))
    (('advantages', 'weights'), ('advantages',))
    """
    return tuple(each for each in BRINGS if getattr(reward, f"own_{each}", False) is True)


@dataclass(frozen=True)
class RewardCard:
    """What is known of a reward before it is made.

    Attributes:
        name: The name that `reward=` takes.
        summary: What it rewards, in a few words.
        paper: Its arXiv id, or an empty string.
        needs: What it needs beyond votes, each one of `NEEDS`.
        kind: What it goes by, one of `KINDS`.
        brings: What it may bring beside rewards, each one of `BRINGS`.
    """

    name: str
    summary: str
    paper: str = ""
    needs: tuple[str, ...] = ()
    kind: Kind = "votes"
    brings: tuple[str, ...] = ()

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
            parameter `benchmark`, it is given the benchmark of the environment: without labels,
            unless the card says that it needs them.
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
        """Checks that it has these options.

        Raises:
            UnknownNameError: It lacks one; the message lists those that exist.
        """
        for option in options:
            if option not in self.options:
                raise unknown_name(f"option of reward {self.card.name!r}", option, self.options)

    def make(self, benchmark: Benchmark, options: Mapping[str, object]) -> Estimator:
        """Makes the estimator.

        Args:
            benchmark: The benchmark of the environment. Its labels reach the factory only where
                the card says that the reward needs them.
            options: Its options.

        Raises:
            UnknownNameError: It has no such option.
            RewardError: An option has a value that it cannot have, or is missing.
        """
        self.check_options(options)
        known: dict[str, object] = dict(options)
        if "benchmark" in inspect.signature(self.factory).parameters:
            sees_labels = "labels" in self.card.needs
            known["benchmark"] = benchmark if sees_labels else benchmark.unlabeled()
        try:
            return self.factory(**known)
        except RewardError:  # which says all of it
            raise
        except (TypeError, ValueError) as error:
            raise RewardError(
                f"Reward {self.card.name!r}: {error}. Its options are "
                f"{self.describe_options() or 'none'}."
            ) from error


OWN_REWARDS: dict[str, RewardEntry] = {}


def reward(
    name: str, *, summary: str, paper: str = "", kind: Kind = "votes"
) -> Callable[[Factory], Factory]:
    """Names a reward of this package: the decorator of each class in `consensus/rewards`.

    What it needs is read from the class; see `NEEDS`.

    Args:
        name: The name that `reward=` takes; also that of the file.
        summary: What it rewards, in a few words.
        paper: Its arXiv id.
        kind: What it goes by.
    """

    def name_it(factory: Factory) -> Factory:
        card = RewardCard(name, summary, paper, needs_of(factory), kind, brings_of(factory))
        OWN_REWARDS[name] = RewardEntry(card, factory)
        return factory

    return name_it
