"""The detector of a collapse: alarms from the metrics of a run, without labels.

- `CollapseDetector`: takes the metrics of each step and returns the alarms they raise.
- `CollapseThresholds`: what counts as a collapse.
- `Alarm`: a kind of collapse, a message and a step.
- `find_alarms`: the alarms of a run from the lines of its `metrics.jsonl`.

Each alarm is a pure function of the metrics up to its step, so a resumed run raises the same
alarms. `ttrl_agents.callbacks.CollapseMonitor` watches a run with it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from ttrl_agents.errors import AgentError

__all__ = [
    "Alarm",
    "CollapseDetector",
    "CollapseThresholds",
    "find_alarms",
]

Metrics = Mapping[str, float | None]

_WATCHED = (
    "majority_ratio",
    "flip_rate",
    "settled_drift",
    "distinct_winners",
    "entropy",
    "completion_tokens",
    "finished_tokens",
    "truncated",
)
_REVISITED = ("flip_rate", "settled_drift")  # shares of the questions that were seen before
_NOISY = (*_REVISITED, "truncated")  # shares of so few questions move far by chance alone
_MEASUREMENTS = 3


@dataclass(frozen=True)
class CollapseThresholds:
    """What counts as a collapse. "Now" is the mean over the last `window` steps.

    All thresholds except the numbers of steps are relative to the run itself: to its first steps,
    to its noise, or shares of a whole.

    Raises:
        AgentError: A number of steps is less than 1.
    """

    window: int = 10
    """Steps that a value is averaged over; the first so many steps of the run are its start."""
    patience: int = 3
    """Steps in a row that a condition must hold."""
    rest: int = 50
    """Steps after an alarm during which no further alarm of its kind is raised."""
    noise: float = 4.5
    """A rise of flips or of truncation also has to be this many standard errors."""
    agreement_rise: float = 0.05
    """Runaway: the majority ratio is this far above its start, or half of the way to 1, ..."""
    flip_rise: float = 0.1
    """... and the flip rate is this far above its lowest value so far: the votes agree more and
    more, on answers that keep changing."""
    settled_rise: float = 0.1
    """Also runaway: the share of questions that have left the answer on which their votes once
    settled is this far above its lowest value so far, ..."""
    settled_noise: float = 3.0
    """... and this many standard errors. Fewer than of flips: votes that only scatter leave no
    answer on which they settled."""
    winner_fall: float = 0.4
    """Also runaway: the share of distinct winners has fallen by this share of its start, i.e.
    different questions elect the same answers."""
    entropy_steps: int = 60
    """Entropy: from this step on ..."""
    entropy_share: float = 0.95
    """... it has not fallen below this share of its start, and agreement has not risen."""
    longer: float = 2.0
    """Length: completions are this many times as long as at the start, ..."""
    shorter: float = 4.0
    """... or the completions that are not truncated are this many times as short, ..."""
    truncated_rise: float = 0.2
    """... or the share of truncated completions is this far above its start."""
    kl_share: float = 1.25
    """KL: the divergence from the initial policy, as the median of three measurements, exceeds this
    many times the entropy at the start, both in nats per token."""
    reduce_by: float = 0.25
    """The factor for the learning rate when an alarm reduces it."""

    def __post_init__(self) -> None:
        for name in ("window", "patience"):
            if getattr(self, name) < 1:
                raise AgentError(f"{name} must be 1 or more, not {getattr(self, name)}.")


@dataclass(frozen=True)
class Alarm:
    """An alarm: what was seen, and when.

    Attributes:
        step: The step after which it was seen, from 1.
        kind: `"runaway"`, `"entropy"`, `"length"` or `"kl"`.
        message: A sentence with the numbers.
    """

    step: int
    kind: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the alarm as JSON."""
        return asdict(self)


class CollapseDetector:
    """Raises alarms from the metrics of a run, given step by step.

    Args:
        thresholds: What counts as a collapse; by default `CollapseThresholds()`.
    """

    def __init__(self, thresholds: CollapseThresholds | None = None) -> None:
        self.thresholds = thresholds = thresholds or CollapseThresholds()
        self._step = 0
        self._start: dict[str, float] = {}
        self._recent: dict[str, deque[float]] = {
            name: deque(maxlen=thresholds.window) for name in _WATCHED
        }
        self._noise = {name: _Noise() for name in _NOISY}
        self._divergences: deque[float] = deque(maxlen=_MEASUREMENTS)
        self._lowest = dict.fromkeys(_REVISITED, math.inf)
        self._streaks: dict[str, int] = {}
        self._silent_until: dict[str, int] = {}

    def observe(self, metrics: Metrics) -> list[Alarm]:
        """Adds the metrics of the next step, and returns the alarms that they raise."""
        self._step += 1
        for name, recent in self._recent.items():
            value = metrics.get(name)
            recent.append(math.nan if value is None else float(value))
        for name, noise in self._noise.items():
            noise.observe(self._recent[name][-1])
        # Not measured in every step; with a reference, the learner measures the same as `kl`.
        divergence = metrics.get("kl_start", metrics.get("kl"))
        if divergence is not None and not math.isnan(divergence):
            self._divergences.append(divergence)
        limits = self.thresholds
        if self._step < limits.window:
            return []
        now = {name: _mean(recent) for name, recent in self._recent.items()}
        # The first few questions that come back are too few for a rate.
        for name in _REVISITED:
            if any(map(math.isnan, self._recent[name])):
                now[name] = math.nan
        # A metric without values in the first window, e.g. the flip rate, starts at its first
        # values.
        for name, value in now.items():
            if not math.isnan(value):
                self._start.setdefault(name, value)
        for name, lowest in self._lowest.items():
            if now[name] < lowest:
                self._lowest[name] = now[name]
        alarms = []
        for kind, reason in self._signs(now):
            self._streaks[kind] = self._streaks.get(kind, 0) + 1 if reason else 0
            due = self._streaks[kind] >= limits.patience
            if reason and due and self._step >= self._silent_until.get(kind, 0):
                self._silent_until[kind] = self._step + limits.rest
                alarms.append(Alarm(self._step, kind, reason))
        return alarms

    @property
    def drifting(self) -> bool:
        """Whether the last step showed a sign of a collapse, long enough for an alarm or not."""
        return any(self._streaks.values())

    def state_dict(self) -> dict[str, Any]:
        """Returns what is remembered, as JSON."""
        return {
            "step": self._step,
            "start": dict(self._start),
            "recent": {
                name: [None if math.isnan(value) else value for value in recent]
                for name, recent in self._recent.items()
            },
            "noise": {name: noise.state_dict() for name, noise in self._noise.items()},
            "divergences": list(self._divergences),
            "lowest": {
                name: None if math.isinf(value) else value for name, value in self._lowest.items()
            },
            "streaks": dict(self._streaks),
            "silent_until": dict(self._silent_until),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        self._step = state["step"]
        self._start = dict(state["start"])
        for name, recent in self._recent.items():
            recent.clear()
            recent.extend(math.nan if value is None else value for value in state["recent"][name])
        for name, noise in self._noise.items():
            noise.load_state_dict(state["noise"][name])
        self._divergences = deque(state["divergences"], maxlen=_MEASUREMENTS)
        self._lowest = {
            name: math.inf if value is None else value for name, value in state["lowest"].items()
        }
        self._streaks = dict(state["streaks"])
        self._silent_until = dict(state["silent_until"])

    def _signs(self, now: dict[str, float]) -> Iterable[tuple[str, str]]:
        """Each kind of collapse with its message, which is empty if there is no sign of it."""
        yield "runaway", self._runaway(now)
        yield "entropy", self._entropy(now)
        yield "length", self._length(now)
        yield "kl", self._divergence()

    def _agree_more(self, now: dict[str, float]) -> bool:
        start = self._start.get("majority_ratio", math.nan)
        # If nearly all votes agree from the start, there is no room for the whole rise.
        return now["majority_ratio"] >= start + min(self.thresholds.agreement_rise, (1 - start) / 2)

    def _risen(
        self, name: str, now: float, before: float, rise: float, noise: float | None = None
    ) -> bool:
        """Whether a share has risen by this much, and by more than chance explains."""
        error = self._noise[name].error_of_difference(self.thresholds.window)
        bound = self.thresholds.noise if noise is None else noise
        return now >= before + max(rise, bound * error)

    def _runaway(self, now: dict[str, float]) -> str:
        limits, lowest = self.thresholds, self._lowest["flip_rate"]
        flips, winners = now["flip_rate"], now["distinct_winners"]
        if self._agree_more(now) and self._risen("flip_rate", flips, lowest, limits.flip_rise):
            ratio, was = now["majority_ratio"], self._start["majority_ratio"]
            return (
                f"votes agree more than at the start (majority ratio {ratio:.2f}, was {was:.2f}), "
                f"yet the most frequent answers change again: {flips:.0%} flipped since their last "
                f"visit, after {lowest:.0%} at the lowest"
            )
        left, lowest = now["settled_drift"], self._lowest["settled_drift"]
        if self._risen("settled_drift", left, lowest, limits.settled_rise, limits.settled_noise):
            return (
                f"{left:.0%} of the questions elect another answer than the one on which their "
                f"votes had settled, after {lowest:.0%} at the lowest"
            )
        first = self._start.get("distinct_winners", math.nan)
        if winners <= first * (1 - limits.winner_fall):
            return (
                f"different questions elect the same answers: {winners:.0%} of the winners of a "
                f"step are distinct, {first:.0%} were at the start"
            )
        return ""

    def _entropy(self, now: dict[str, float]) -> str:
        limits = self.thresholds
        first = self._start.get("entropy", math.nan)
        high = now["entropy"] > limits.entropy_share * first
        if self._step >= limits.entropy_steps and high and not self._agree_more(now):
            return (
                f"the entropy has not fallen in {self._step} steps ({now['entropy']:.3f} nats per "
                f"token, {first:.3f} at the start) and votes agree no more than there: they teach "
                "nothing, or the steps are too small"
            )
        return ""

    def _length(self, now: dict[str, float]) -> str:
        limits = self.thresholds
        length, first = now["completion_tokens"], self._start.get("completion_tokens", math.nan)
        if length >= first * limits.longer:
            return f"completions have {length:.0f} tokens, {first:.0f} at the start"
        # Not of all completions: a model that learns to stop writes shorter ones without a
        # collapse.
        ended, first = now["finished_tokens"], self._start.get("finished_tokens", math.nan)
        if ended <= first / limits.shorter:
            return (
                f"completions that end by themselves have {ended:.0f} tokens, {first:.0f} at the "
                "start"
            )
        cut, before = now["truncated"], self._start.get("truncated", math.nan)
        if self._risen("truncated", cut, before, limits.truncated_rise):
            return f"{cut:.0%} of the completions are truncated, {before:.0%} at the start"
        return ""

    def _divergence(self) -> str:
        # Text that the initial policy writes has its entropy as mean surprise per token. So a
        # policy that only selects among such text diverges no further than that, however sharp it
        # gets.
        first = self._start.get("entropy", math.nan)
        # Not the mean: one step with an unusual question must not count as a move of the policy.
        kl = median(self._divergences) if self._divergences else math.nan
        if kl > self.thresholds.kl_share * first:
            return (
                f"the policy is {kl:.3f} nats per token from its start, whose own entropy was "
                f"{first:.3f}: it writes what the start would not"
            )
        return ""


class _Noise:
    """The noise of a metric: how far chance moves it from one step to the next.

    It is estimated from the differences of successive steps, which a slow trend hardly changes:
    half of their mean square is the variance of a step.
    """

    def __init__(self) -> None:
        self._squares = 0.0
        self._count = 0
        self._last = math.nan

    def observe(self, value: float) -> None:
        """Adds the value of the next step; NaN is ignored."""
        if math.isnan(value):
            return
        if not math.isnan(self._last):
            self._squares += (value - self._last) ** 2
            self._count += 1
        self._last = value

    def error_of_difference(self, window: int) -> float:
        """The standard error of the difference of two means over `window` steps each."""
        return math.sqrt(self._squares / self._count / window) if self._count else 0.0

    def state_dict(self) -> dict[str, Any]:
        last = None if math.isnan(self._last) else self._last
        return {"squares": self._squares, "count": self._count, "last": last}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._squares, self._count = state["squares"], state["count"]
        self._last = math.nan if state["last"] is None else state["last"]


def find_alarms(
    rows: Iterable[Metrics], thresholds: CollapseThresholds | None = None
) -> list[Alarm]:
    """Returns the alarms of a run, from the lines of its `metrics.jsonl`."""
    detector = CollapseDetector(thresholds)
    return [alarm for row in rows for alarm in detector.observe(row)]


def _mean(values: Iterable[float]) -> float:
    """The mean of the values that are not NaN; NaN if all are."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan
