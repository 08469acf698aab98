"""Rewards by name.

- `REWARDS`: the names, each with a card and what makes the estimator.
- `register_estimator`, `unregister_estimator`: adds one, and takes it back; `ENTRY_POINTS` is the
  group by which an installed package adds its own.
- `resolve_estimator`: a name, a spelled reward or an estimator as an estimator.
- `find_reward`: the entry of a spelled reward, its options checked.
- `reward_needs`: what a spelled reward needs, those inside it included.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points

from ttrl_benchmarks import Benchmark
from ttrl_benchmarks.errors import unknown_name
from ttrl_env.consensus.ballot import Estimator
from ttrl_env.consensus.cards import RewardCard, RewardEntry
from ttrl_env.consensus.errors import RewardError
from ttrl_env.consensus.reward_spec import parse_reward
from ttrl_env.consensus.rewards.co_rewarding import CoRewarding, SelfHarmony
from ttrl_env.consensus.rewards.controls import Constant, FormatOnly, Oracle, Random
from ttrl_env.consensus.rewards.ddrl import DDRL
from ttrl_env.consensus.rewards.deepconf import DeepConf
from ttrl_env.consensus.rewards.empo import EMPO
from ttrl_env.consensus.rewards.entropy_shaped import EntropyShaped
from ttrl_env.consensus.rewards.held import HeldVote
from ttrl_env.consensus.rewards.majority import Majority
from ttrl_env.consensus.rewards.restrain import RESTRAIN
from ttrl_env.consensus.rewards.scrl import SCRL
from ttrl_env.consensus.rewards.self_certainty import NegativeEntropy, SelfCertainty
from ttrl_env.consensus.rewards.soft_majority import SoftMajority
from ttrl_env.consensus.rewards.verified import VerifierWeighted

__all__ = [
    "ENTRY_POINTS",
    "REWARDS",
    "find_reward",
    "register_estimator",
    "resolve_estimator",
    "reward_needs",
    "unregister_estimator",
]

ENTRY_POINTS = "ttrl_env.estimators"
_NAME = re.compile(r"[A-Za-z][\w.-]*")


class _Rewards(Mapping[str, RewardEntry]):
    """Every reward by name: this package's own, those registered, those of installed packages.

    An installed package's module is imported when its reward is looked up, not before, so that a
    broken one stands in nobody's way.
    """

    def __init__(self) -> None:
        self._own: dict[str, RewardEntry] = {}
        self._registered: dict[str, RewardEntry] = {}
        self._loaded: dict[str, RewardEntry] = {}
        self._installed: dict[str, EntryPoint] | None = None

    def __getitem__(self, name: str) -> RewardEntry:
        """Returns the entry of this name.

        Raises:
            KeyError: There is none.
            RewardError: An installed package promises one and cannot keep it.
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

    def add(self, entry: RewardEntry) -> None:
        """Adds one of this package's own."""
        self._own[entry.card.name] = entry

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
        """Looks for installed packages anew at the next use."""
        self._installed = None
        self._loaded.clear()

    def _found(self) -> dict[str, EntryPoint]:
        if self._installed is None:
            found: dict[str, EntryPoint] = {}
            for point in entry_points(group=ENTRY_POINTS):
                if point.name in self._own or point.name in found:
                    warnings.warn(
                        f"There is a reward named {point.name!r} already, so that of the installed "
                        f"package {_source(point)!r} is left out; it should choose another name.",
                        stacklevel=2,
                    )
                else:
                    found[point.name] = point
            self._installed = found
        return self._installed


def _source(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _load(point: EntryPoint) -> RewardEntry:
    source = _source(point)
    try:
        made = point.load()
    except Exception as error:
        raise RewardError(
            f"Reward {point.name!r} of the installed package {source!r} cannot be loaded "
            f"({type(error).__name__}: {error}). Mend or remove that package."
        ) from error
    if isinstance(made, RewardEntry):
        return made
    if not callable(made):
        raise RewardError(
            f"Reward {point.name!r} of the installed package {source!r} is {made!r}, and has to "
            "be callable: an estimator's class, or a function that makes one."
        )
    return RewardEntry(RewardCard(point.name, _first_sentence(made)), made, source)


def _first_sentence(factory: Callable[..., Estimator]) -> str:
    lines = (factory.__doc__ or "").strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else "no description"


_REWARDS = _Rewards()
REWARDS: Mapping[str, RewardEntry] = _REWARDS


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
            the options; `benchmark`, where it is one of them, is what the environment asks.
        summary: What it rewards, in a few words; by default the docstring's first line.
        paper: Its arXiv id.
        needs: What it needs beyond votes, of `ttrl_env.consensus.cards.NEEDS`.

    Raises:
        RewardError: The name is taken or cannot be spelled, or the factory makes no estimator.

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
    card = RewardCard(name, summary or _first_sentence(factory), paper, needs)
    source = getattr(factory, "__module__", "").partition(".")[0]
    _REWARDS.register(RewardEntry(card, factory, source))


def unregister_estimator(name: str) -> None:
    """Takes back what `register_estimator` did.

    Raises:
        UnknownNameError: No reward of this name was registered.
    """
    _REWARDS.unregister(name)


def find_reward(reward: str) -> tuple[RewardEntry, dict[str, object]]:
    """Returns the entry of a spelled reward and the options that it is spelled with.

    Raises:
        UnknownNameError: There is no reward of this name, or it has no such option.
        RewardError: It cannot be read, or a package that should bring it is broken.

    >>> entry, options = find_reward("majority(tie=share)")
    >>> entry.card.paper, options
    ('2504.16084', {'tie': 'share'})
    """
    name, options = parse_reward(reward)
    if name not in REWARDS:
        raise unknown_name("reward", name, REWARDS)
    entry = REWARDS[name]
    entry.check_options(options)
    inner = options.get("inner")
    if isinstance(inner, str):
        find_reward(inner)
    return entry, options


def reward_needs(reward: str) -> frozenset[str]:
    """Returns what a spelled reward needs beyond votes, and what those inside it need.

    Raises:
        UnknownNameError: There is no reward of this name, or it has no such option.
        RewardError: It cannot be read, or a package that should bring it is broken.

    >>> sorted(reward_needs("held(inner=scrl)"))
    ['token statistics']
    """
    entry, options = find_reward(reward)
    needs = frozenset(entry.card.needs)
    if getattr(entry.factory, "needs_token_statistics", False) is True:
        needs |= {"token statistics"}
    inner = options.get("inner")
    return needs | reward_needs(inner) if isinstance(inner, str) else needs


def resolve_estimator(reward: str | Estimator, benchmark: Benchmark) -> Estimator:
    """Returns the estimator of this name, or the estimator itself.

    Args:
        reward: A name in `REWARDS`, with options in brackets or without, or any
            `(Ballot) -> Verdict`.
        benchmark: What the environment asks; only `"oracle"` reads its labels.

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
        inner = options.get("inner")
        if isinstance(inner, str):  # a reward around another is spelled around it
            options = {**options, "inner": resolve_estimator(inner, benchmark)}
        return entry.make(benchmark, options)
    if isinstance(reward, type) or not callable(reward):
        raise TypeError(f"a reward is a name or a callable (Ballot) -> Verdict, not {reward!r}")
    return reward


def _oracle(benchmark: Benchmark) -> Oracle:
    return Oracle(benchmark.labels, benchmark.answer_format)


_oracle.__doc__ = Oracle.__doc__

for _card, _factory in (
    (RewardCard("majority", "agreement with the majority of the votes", "2504.16084"), Majority),
    (RewardCard("soft_majority", "the share of the votes that agree", "2505.21444"), SoftMajority),
    (
        RewardCard(
            "empo", "the share of the votes that agree, unless they are scattered", "2504.05812"
        ),
        EMPO,
    ),
    (
        RewardCard(
            "deepconf",
            "agreement with the confident completions' vote",
            "2508.15260",
            ("token statistics",),
        ),
        DeepConf,
    ),
    (
        RewardCard(
            "scrl",
            "firm majorities, and a penalty on rare, unsure answers",
            "2603.19880",
            ("token statistics",),
        ),
        SCRL,
    ),
    (
        RewardCard(
            "restrain",
            "every answer by its votes, and a penalty on scattered groups",
            "2510.02172",
        ),
        RESTRAIN,
    ),
    (RewardCard("ddrl", "the most frequent answer against the rarest", "2604.21327"), DDRL),
    (
        RewardCard(
            "entropy_shaped",
            "another reward (inner=), sure completions taught harder",
            "2508.11356",
            ("token statistics",),
        ),
        EntropyShaped,
    ),
    (
        RewardCard(
            "self_certainty", "how sure the model is, no vote", "2505.19590", ("token statistics",)
        ),
        SelfCertainty,
    ),
    (
        RewardCard(
            "negative_entropy", "low token entropy, no vote", "2505.22660", ("token statistics",)
        ),
        NegativeEntropy,
    ),
    (
        RewardCard(
            "co_rewarding",
            "agreement with the other wording's majority",
            "2508.00410",
            ("two prompts",),
        ),
        CoRewarding,
    ),
    (
        RewardCard(
            "self_harmony",
            "agreement with what both wordings lead to",
            "2511.01191",
            ("two prompts",),
        ),
        SelfHarmony,
    ),
    (
        RewardCard(
            "verified",
            "agreement with the vote, verified completions weighing more",
            "2603.02203",
            ("verifier",),
        ),
        VerifierWeighted,
    ),
    (
        RewardCard("held", "another reward's pseudo-label (inner=), held for some visits"),
        HeldVote,
    ),
    (
        RewardCard(
            "oracle",
            "agreement with the TRUE labels (control: the upper bound)",
            "2504.16084",
            ("labels",),
        ),
        _oracle,
    ),
    (RewardCard("random", "a coin (control: nothing to learn)", "2506.10947"), Random),
    (RewardCard("format_only", "any answer at all (control)", "2506.10947"), FormatOnly),
    (RewardCard("constant", "nothing (control: the weights must not move)"), Constant),
):
    _REWARDS.add(RewardEntry(_card, _factory))
