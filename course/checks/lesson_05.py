"""The checks of lesson 5."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from course_tools.checking import Check, Mistake, NotRightError, compare
from ttrl_benchmarks.arithmetic import load
from ttrl_env.consensus import Ballot, Majority, Verdict, hold_vote

Answers = list[str | None]


class _Shown(Ballot):
    """A ballot that is shown by its answers."""

    def __repr__(self) -> str:
        return f"<a ballot of {', '.join(each or 'no answer' for each in self.answers)}>"


def _ballot(answers: Answers) -> Ballot:
    benchmark = load("train", size=5)
    texts = ["no idea" if each is None else rf"\boxed{{{each}}}" for each in answers]
    made = hold_vote(texts, benchmark.questions[0], benchmark)
    return _Shown(**{name: getattr(made, name) for name in Ballot.__dataclass_fields__})


def _ballots(rng: np.random.Generator) -> Iterator[tuple[Ballot]]:
    yield (_ballot(["7", "5", "7"]),)
    yield (_ballot(["9", "7", "7", "9"]),)
    yield (_ballot([None, None, "4", None]),)
    yield (_ballot([None, None]),)
    for _ in range(3):
        numbers = rng.integers(5, size=9).tolist()
        yield (_ballot([None if each == 0 else str(each) for each in numbers]),)


def _parts(verdict: Verdict) -> dict[str, Any]:
    return {
        "rewards": verdict.rewards,
        "pseudo_label": verdict.pseudo_label,
        "abstains": verdict.abstains,
    }


def _judged(ballot: Ballot) -> dict[str, Any]:
    return _parts(Majority()(ballot))


def _check_majority(function: Callable[[Ballot], Verdict]) -> None:
    """Compares the parts of the verdict."""

    def parts(ballot: Ballot) -> dict[str, Any]:
        made = function(ballot)
        if not isinstance(made, Verdict):
            raise NotRightError(
                f"not right yet.\n\nIt returns a {type(made).__name__}; a Verdict is asked for: "
                "Verdict(rewards, pseudo_label=…)."
            )
        return _parts(made)

    parts.__wrapped__ = function  # type: ignore[attr-defined]
    _CHECK_PARTS(parts)


def _changed(**changes: Callable[[Ballot], Any]) -> Callable[[Ballot], dict[str, Any]]:
    """Returns what judges as it should, but for some parts where there is a winner."""

    def judge(ballot: Ballot) -> dict[str, Any]:
        right = _judged(ballot)
        if right["abstains"]:
            return right
        return right | {name: change(ballot) for name, change in changes.items()}

    return judge


def _last(ballot: Ballot) -> int:
    return ballot.most_frequent()[-1]


def _without_abstaining(ballot: Ballot) -> dict[str, Any]:
    return _judged(ballot) | {"abstains": False}


_CHECK_PARTS = compare(
    _judged,
    _ballots,
    mistakes=[
        Mistake(
            "The rewards are right, but the verdict does not name the pseudo-label: "
            "Verdict(rewards, pseudo_label=c).",
            _changed(pseudo_label=lambda ballot: None),
        ),
        Mistake(
            "In a tie the last class wins. The one that appeared first must win: it is the first "
            "of the list.",
            _changed(rewards=lambda ballot: ballot.agreement(_last(ballot)), pseudo_label=_last),
        ),
        Mistake(
            "In a tie you reward all winners. Only the first of the list wins.",
            _changed(rewards=lambda ballot: np.isin(ballot.classes, ballot.most_frequent()) * 1.0),
        ),
        Mistake(
            "Without any answer the group must abstain: return Verdict.abstaining(ballot).",
            _without_abstaining,
        ),
        Mistake(
            "The rewards are the wrong way round: 1 is for those that agree.",
            _changed(
                rewards=lambda ballot: 1 - ballot.agreement(ballot.most_frequent()[0]),
            ),
        ),
    ],
)


def _votes(rng: np.random.Generator) -> Iterator[tuple[Answers, int]]:
    yield ["7", "7", "7", "5"], 1
    yield ["7", "7", "5"], 1
    yield ["7", "7", "5", "5"], 0
    yield [None, None, "5", "5"], 1
    yield [None, None, None, None, "5", "4"], 1
    yield ["7"], 1
    yield [None, None, None], 2
    for _ in range(8):
        numbers = rng.choice(4, size=16, p=[0.2, 0.4, 0.3, 0.1]).tolist()
        yield [None if each == 0 else str(each) for each in numbers], int(rng.integers(4))


def _lead(answers: Answers, *, ignore_none: bool = True) -> int:
    given = [each for each in answers if each is not None or not ignore_none]
    counts = sorted([given.count(each) for each in set(given)] + [0, 0])
    return counts[-1] - counts[-2]


def _winners(rng: np.random.Generator) -> Iterator[tuple[Answers]]:
    yield (["7", "7", "5"],)
    yield (["7", "5", "7", "5"],)
    yield (["7"],)
    yield (["7", None, "7"],)
    yield (["7", None, "5"],)
    yield ([],)
    yield ([None, "3", "3", None],)
    for _ in range(4):
        numbers = rng.integers(4, size=7).tolist()
        yield ([None if each == 0 else str(each) for each in numbers],)


def _flips(winners: Answers) -> int:
    flips, last = 0, None
    for each in winners:
        if each is None:
            continue
        flips += last is not None and each != last
        last = each
    return flips


def _with_none(winners: Answers) -> int:
    return sum(a != b for a, b in pairwise(winners))


def _drift(winners: Answers) -> int:
    known = [each for each in winners if each is not None]
    return sum(each != known[0] for each in known)


def _pairs_without_none(winners: Answers) -> int:
    pairs = pairwise(winners)
    return sum(a is not None and b is not None and a != b for a, b in pairs)


CHECKS: dict[str, Check] = {
    "5.1": _check_majority,
    "5.2": compare(
        lambda answers, margin: _lead(answers) <= margin,
        _votes,
        mistakes=[
            Mistake(
                "A lead of exactly `margin` is still shaky: use <=.",
                lambda answers, margin: _lead(answers) < margin,
            ),
            Mistake(
                "You count None as an answer. Leave it out.",
                lambda answers, margin: _lead(answers, ignore_none=False) <= margin,
            ),
            Mistake(
                "The result is the wrong way round: a small lead is shaky.",
                lambda answers, margin: _lead(answers) > margin,
            ),
            Mistake(
                "You return the lead. Return whether it is at most `margin`.",
                lambda answers, margin: _lead(answers),
            ),
        ],
    ),
    "5.3": compare(
        _flips,
        _winners,
        mistakes=[
            Mistake(
                "You count a visit without an answer as another winner. Skip such visits.",
                _with_none,
            ),
            Mistake(
                "You compare with the first visit. That is the drift. Compare each visit with the "
                "one before.",
                _drift,
            ),
            Mistake(
                "You only compare visits that are neighbours. If nobody answered in between, "
                "compare with the last visit that had a winner.",
                _pairs_without_none,
            ),
            Mistake(
                "You count the different winners. An answer that comes back is a flip too.",
                lambda winners: max(0, len({each for each in winners if each is not None}) - 1),
            ),
        ],
    ),
}
