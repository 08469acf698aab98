"""The verdict of a probe: whether learning from these votes makes sense, why, and what to change.

- `judge`: the verdict on the votes of some questions.
- `Verdict`: one of three words, with its reasons.
- `Reason`: what one indicator says.
- `LIMITS`, `Limit`: the numbers that decide.

The verdict is made of votes alone. Labels, where there are any, are judged apart: they say what the
votes cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from ttrl_agents.probe.indicators import Indicators
from ttrl_agents.probe.rightness import Rightness
from ttrl_benchmarks.printable import counted

__all__ = ["LIMITS", "Limit", "Reason", "Verdict", "judge"]

Word = Literal["fit", "doubtful", "unfit"]
Weight = Literal["good", "weak", "bad"]


@dataclass(frozen=True)
class Limit:
    """Where an indicator is weak, and where it is bad.

    Attributes:
        weak: Beyond this it is weak.
        bad: Beyond this it is bad.
        high: Whether high values are the bad ones.
    """

    weak: float
    bad: float
    high: bool = False

    def weigh(self, value: float) -> Weight:
        """Returns what a value of the indicator is.

        >>> Limit(0.5, 0.2).weigh(0.5), Limit(0.2, 0.5, high=True).weigh(0.3)
        ('good', 'weak')
        """
        sign = -1 if self.high else 1
        if sign * value < sign * self.bad:
            return "bad"
        return "weak" if sign * value < sign * self.weak else "good"


LIMITS: Final = MappingProxyType(
    {
        "questions": Limit(10, 0),
        "votes": Limit(4, 0),
        "absent": Limit(0.2, 0.5, high=True),
        "truncated": Limit(0.2, 0.5, high=True),
        "agreement": Limit(0.05, 0.02),
        "reproducible": Limit(0.1, 0.03),
        "room": Limit(0.1, 0.05),
        "teaching": Limit(0.3, 0.1),
        "gain": Limit(0.02, -0.02),
        "majority": Limit(0.6, 0.4),
    }
)


@dataclass(frozen=True)
class Reason:
    """What one indicator says.

    Attributes:
        indicator: Its name.
        weight: Whether that is good, weak or bad.
        says: A sentence with its value.
        change: What to change; empty where it is good.
    """

    indicator: str
    weight: Weight
    says: str
    change: str = ""

    def to_dict(self) -> dict[str, str]:
        """Returns the reason as JSON."""
        return {
            "indicator": self.indicator,
            "weight": self.weight,
            "says": self.says,
            "change": self.change,
        }


@dataclass(frozen=True)
class Verdict:
    """Whether learning from these votes makes sense.

    Attributes:
        word: `"unfit"` if a reason is bad, else `"doubtful"` if one is weak, else `"fit"`.
        reasons: What each indicator says, without labels.
        with_labels: What the labels say; empty without labels. It does not change the word.
    """

    word: Word
    reasons: tuple[Reason, ...]
    with_labels: tuple[Reason, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Returns the verdict as JSON."""
        return {
            "verdict": self.word,
            "reasons": [each.to_dict() for each in self.reasons],
            "with_labels": [each.to_dict() for each in self.with_labels],
        }


def judge(votes: Indicators, labels: Rightness | None = None) -> Verdict:
    """Returns the verdict on the votes of some questions.

    Args:
        votes: What the votes say.
        labels: How right they are, if there are labels.
    """
    reasons = tuple(_reasons(votes))
    weights = {each.weight for each in reasons}
    word: Word = "unfit" if "bad" in weights else "doubtful" if "weak" in weights else "fit"
    return Verdict(word, reasons, () if labels is None else tuple(_label_reasons(labels)))


def _reasons(votes: Indicators) -> Iterator[Reason]:
    sizes = (("questions", votes.questions), ("votes", votes.n_votes))
    enough = all(LIMITS[name].weigh(size) == "good" for name, size in sizes)
    yield Reason(
        "sample",
        "good" if enough else "weak",
        f"{counted(votes.questions, 'question')}, {votes.n_votes} votes on each.",
        ""
        if enough
        else "So few leave much to chance: take more, if you can (--limit, --n-votes).",
    )
    yield _reason(
        "absent",
        votes.absent,
        f"{votes.absent:.0%} of the completions give no answer.",
        "Ask for one with --instruction, leave room for it with --max-tokens, or see with `ttrl "
        "extract` where an answer is looked for.",
    )
    cut = _reason(
        "truncated",
        votes.truncated,
        f"{votes.truncated:.0%} of the completions are cut off.",
        "Raise --max-tokens, or see whether the model knows how to end a reply (its chat template "
        "and eos_token_id), or end completions at their answer with --stop-at-box.",
    )
    # One that was cut off after its answer is a vote like any other.
    answered = LIMITS["absent"].weigh(votes.absent) == "good"
    yield replace(cut, weight="weak") if cut.weight == "bad" and answered else cut
    if votes.absent == 1:
        return  # there are no votes of which more could be said
    if votes.agreement is not None:
        yield _reason(
            "agreement",
            votes.agreement,
            f"Votes on one question agree by {votes.agreement:.2f} (0: no more than votes on "
            "different questions; 1: always).",
            "The votes hardly depend on the question: take easier questions or a stronger model, "
            "lower --temperature, or make the question clearer (--instruction, --chat-template).",
        )
    yield _reason(
        "reproducible",
        votes.reproducible.mean,
        f"One half of the votes elects what the other half elects on "
        f"{votes.reproducible.mean:.0%} of the questions.",
        "Winners are a matter of chance: take more votes (--n-votes), a lower --temperature, or "
        "easier questions.",
    )
    room = 1 - votes.majority_ratio.mean
    yield _reason(
        "room",
        room,
        f"{room:.0%} of the votes are not for the winner: agreement can grow by at most that much.",
        "The votes agree already, rightly or wrongly: little is left to learn. Take harder "
        "questions, or a higher --temperature.",
    )
    yield _reason(
        "teaching",
        votes.teaching.mean,
        f"{votes.teaching.mean:.0%} of the questions would teach; on the others all completions "
        "earn the same.",
        "On most questions there is nothing to prefer: the votes agree, or there are none. Take "
        "other questions.",
    )


def _label_reasons(labels: Rightness) -> Iterator[Reason]:
    gain = labels.gain
    if labels.winners is not None:  # without any answer, nothing wrong would be rewarded
        yield _reason(
            "majority",
            labels.winners,
            f"The most frequent answer is right on {labels.winners:.0%} of the questions that have "
            f"one; one completion is right on {labels.mean.mean:.0%} of all.",
            "Much of what would be rewarded is wrong: learning would harden mistakes. Take easier "
            "questions, a stronger model, or true labels for some (--reward label_budget).",
        )
    yield _reason(
        "gain",
        gain.mean,
        f"If every question settles on its winner, mean@n changes by {gain.mean:+.3f} "
        f"[{gain.low:+.3f}, {gain.high:+.3f}].",
        "There is little to gain on these questions.",
    )
    if labels.confidently_wrong:
        share = labels.confidently_wrong / labels.graded
        says = (
            f"{labels.confidently_wrong} of {labels.graded} questions agree on a wrong answer "
            "already."
        )
        change = "No vote will mend those; see them with `ttrl votes`."
        yield Reason("confidently_wrong", "weak" if share < 0.2 else "bad", says, change)


def _reason(indicator: str, value: float, says: str, change: str) -> Reason:
    weight = LIMITS[indicator].weigh(value)
    return Reason(indicator, weight, says, "" if weight == "good" else change)
