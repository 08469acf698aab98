"""Rewards by name.

- `REWARDS`: the names, each with a card and what makes the estimator.
- `register_estimator`, `unregister_estimator`: adds one, and takes it back; `ENTRY_POINTS` is the
  group by which an installed package adds its own.
- `resolve_estimator`: a name, a reward as text with options, or an estimator, as an estimator.
- `find_reward`: the entry of a reward as text, its options checked.
- `reward_needs`: what a reward as text needs, those inside it included.
- `rewards_inside`: the rewards that a reward as text is around, or a sum of.

The rewards of this package are the classes of `consensus/rewards` that name themselves by the
decorator `reward`; every file of that folder is imported here.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint
from typing import cast

from ttrl_benchmarks import Benchmark
from ttrl_benchmarks.errors import unknown_name
from ttrl_benchmarks.plugins import find_plugins, load_plugin, plugin_source
from ttrl_env.consensus import rewards
from ttrl_env.consensus.cards import (
    KINDS,
    OWN_REWARDS,
    RewardCard,
    RewardEntry,
    brings_of,
    needs_of,
)
from ttrl_env.consensus.errors import RewardError
from ttrl_env.consensus.reward_spec import SUM, parse_reward
from ttrl_env.consensus.rewards.weighted_sum import WeightedSum
from ttrl_env.consensus.verdict import Estimator

__all__ = [
    "ENTRY_POINTS",
    "REWARDS",
    "Rewards",
    "find_reward",
    "register_estimator",
    "resolve_estimator",
    "reward_needs",
    "rewards_inside",
    "unregister_estimator",
]

ENTRY_POINTS = "ttrl_env.estimators"
_DEFAULT = "majority"
_NAME = re.compile(r"[A-Za-z][\w.-]*")


class Rewards(Mapping[str, RewardEntry]):
    """Every reward by name: this package's own, those registered, those of installed packages.

    An installed package's module is imported when its reward is looked up, not before, so that a
    broken one harms no other.
    """

    def __init__(self, own: Mapping[str, RewardEntry]) -> None:
        self._own = own
        self._registered: dict[str, RewardEntry] = {}
        self._loaded: dict[str, RewardEntry] = {}
        self._installed: dict[str, EntryPoint] | None = None

    def __getitem__(self, name: str) -> RewardEntry:
        """Returns the entry of this name.

        Raises:
            KeyError: There is none.
            RewardError: It is of an installed package that is broken.
        """
        for entries in (self._own, self._registered, self._loaded):
            if name in entries:
                return entries[name]
        self._loaded[name] = _load(self._found()[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys([*self._own, *self._registered, *self._found()])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._registered or name in self._found()

    def register(self, entry: RewardEntry) -> None:
        """Adds an entry that can be taken back."""
        self._registered[entry.card.name] = entry

    def unregister(self, name: str) -> None:
        """Takes a registered entry back.

        Raises:
            UnknownNameError: No entry of this name was registered.
        """
        if name not in self._registered:
            raise unknown_name("registered reward", name, self._registered)
        del self._registered[name]

    def forget_installed(self) -> None:
        """Looks for installed packages again at the next use."""
        self._installed = None
        self._loaded.clear()

    def _found(self) -> dict[str, EntryPoint]:
        if self._installed is None:
            self._installed = find_plugins(ENTRY_POINTS, "reward", self._own)
        return self._installed


def _own_rewards() -> dict[str, RewardEntry]:
    """Returns the rewards of this package in the order in which they are listed."""
    for module in pkgutil.iter_modules(rewards.__path__):
        importlib.import_module(f"{rewards.__name__}.{module.name}")
    ordered = sorted(OWN_REWARDS, key=lambda name: (name != _DEFAULT, _kind(name), name))
    return {name: OWN_REWARDS[name] for name in ordered}


def _kind(name: str) -> int:
    return KINDS.index(OWN_REWARDS[name].card.kind)


def _load(point: EntryPoint) -> RewardEntry:
    made = load_plugin(point, "reward", RewardError)
    source = plugin_source(point)
    if isinstance(made, RewardEntry):
        return made
    if not callable(made):
        raise RewardError(
            f"Reward {point.name!r} of the installed package {source!r} is {made!r}, and has to "
            "be callable: an estimator's class, or a function that makes one."
        )
    card = RewardCard(
        point.name,
        _first_sentence(made),
        needs=needs_of(made),
        brings=brings_of(made),
    )
    return RewardEntry(card, made, source)


def _first_sentence(factory: Callable[..., Estimator]) -> str:
    lines = (factory.__doc__ or "").strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else "no description"


REWARDS = Rewards(_own_rewards())


def register_estimator(
    name: str,
    factory: Callable[..., Estimator],
    *,
    summary: str | None = None,
    paper: str = "",
    needs: tuple[str, ...] = (),
) -> None:
    """Makes a reward known by name.

    Args:
        name: The name that `reward=` takes.
        factory: An estimator's class, or a function that makes one. Its keyword parameters are
            the options; `benchmark`, where it is one of them, is the benchmark of the environment,
            without labels unless the reward needs them.
        summary: What it rewards, in a few words; by default the docstring's first line.
        paper: Its arXiv id.
        needs: What it needs beyond votes, of `ttrl_env.consensus.cards.NEEDS`, besides what its
            class says.

    Raises:
        RewardError: The name is taken or cannot be one, or the factory does not make estimators.

    >>> from ttrl_env.consensus import Majority
    >>> register_estimator("firm", lambda: Majority(min_ratio=0.5), summary="firm majorities")
    >>> REWARDS["firm"].card.summary
    'firm majorities'
    >>> unregister_estimator("firm")
    """
    if not _NAME.fullmatch(name):
        raise RewardError(
            f"A reward cannot be named {name!r}; use letters, digits, '_', '-' and '.', a letter "
            "first."
        )
    if name in REWARDS:
        raise RewardError(f"There is a reward named {name!r} already; choose another name.")
    every = dict.fromkeys((*needs, *needs_of(factory)))
    card = RewardCard(
        name,
        summary or _first_sentence(factory),
        paper,
        tuple(every),
        brings=brings_of(factory),
    )
    source = getattr(factory, "__module__", "").partition(".")[0]
    REWARDS.register(RewardEntry(card, factory, source))


def unregister_estimator(name: str) -> None:
    """Takes back what `register_estimator` did.

    Raises:
        UnknownNameError: No reward of this name was registered.
    """
    REWARDS.unregister(name)


_SUM_ENTRY = RewardEntry(
    RewardCard("sum", "the weighted sum of rewards", kind="around another"), WeightedSum
)


def _terms(options: Mapping[str, object]) -> list[tuple[float, str]]:
    """The weights and rewards of a sum, as `parse_reward` left them."""
    return cast("list[tuple[float, str]]", options["terms"])


def _inside(entry: RewardEntry, options: Mapping[str, object]) -> list[str]:
    """The rewards inside a reward, as text."""
    if entry is _SUM_ENTRY:
        return [term for _, term in _terms(options)]
    inner = options.get("inner")
    return [inner] if isinstance(inner, str) else []


def find_reward(reward: str) -> tuple[RewardEntry, dict[str, object]]:
    """Returns the entry of a reward as text, and its options.

    Raises:
        UnknownNameError: There is no reward of this name, or it has no such option.
        RewardError: It cannot be read, or a package that should bring it is broken.

    >>> entry, options = find_reward("majority(tie=share)")
    >>> entry.card.paper, options
    ('2504.16084', {'tie': 'share'})
    """
    name, options = parse_reward(reward)
    if name != SUM and name not in REWARDS:
        raise unknown_name("reward", name, REWARDS)
    entry = _SUM_ENTRY if name == SUM else REWARDS[name]
    entry.check_options(options)
    for inner in _inside(entry, options):
        find_reward(inner)
    return entry, options


def reward_needs(reward: str) -> frozenset[str]:
    """Returns what a reward as text needs beyond votes, and what those inside it need.

    Raises:
        UnknownNameError: There is no reward of this name, or it has no such option.
        RewardError: It cannot be read, or a package that should bring it is broken.

    >>> sorted(reward_needs("held(inner=scrl)"))
    ['token statistics']
    """
    entry, options = find_reward(reward)
    return frozenset(entry.card.needs).union(*map(reward_needs, _inside(entry, options)))


def rewards_inside(reward: str) -> list[str]:
    """Returns the rewards inside a reward as text: the terms of a sum, or the one it is around.

    One that is not named, since it is the default, is not among them.

    Raises:
        UnknownNameError: There is no reward of this name, or it has no such option.
        RewardError: It cannot be read, or a package that should bring it is broken.

    >>> rewards_inside("majority + 0.1*format_only"), rewards_inside("held(inner=scrl)")
    (['majority', 'format_only'], ['scrl'])
    """
    return _inside(*find_reward(reward))


def resolve_estimator(reward: str | Estimator, benchmark: Benchmark) -> Estimator:
    """Returns the estimator of this name, or the estimator itself.

    Args:
        reward: A name in `REWARDS`, with options in brackets or without, or any
            `(Ballot) -> Verdict`.
        benchmark: The benchmark of the environment. Only rewards that need labels see its labels.

    Raises:
        UnknownNameError: There is no reward of this name, or it has no such option; the message
            lists those that there are.
        RewardError: The reward cannot be read or made.
        TypeError: `reward` is neither a name nor callable.

    >>> from ttrl_benchmarks import load_benchmark
    >>> resolve_estimator("majority(min_ratio=0.3, tie=abstain)", load_benchmark("arithmetic"))
    Majority(tie='abstain', min_ratio=0.3, min_margin=0.0, min_votes=0)
    """
    if isinstance(reward, str):
        entry, options = find_reward(reward)
        if isinstance(inner := options.get("inner"), str):  # another reward, as text
            options = {**options, "inner": resolve_estimator(inner, benchmark)}
        if entry is _SUM_ENTRY:
            made = [
                (weight, resolve_estimator(term, benchmark)) for weight, term in _terms(options)
            ]
            options = {"terms": tuple(made)}
        return entry.make(benchmark, options)
    if isinstance(reward, type) or not callable(reward):
        raise TypeError(f"a reward is a name or a callable (Ballot) -> Verdict, not {reward!r}")
    return reward
