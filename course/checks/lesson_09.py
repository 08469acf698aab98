"""The checks of lesson 9."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from course_tools.checking import Check, Mistake, NotRightError, call, compare
from course_tools.where import COURSE

Winners = list[list[str]]
Histories = list[list[tuple[str, int]]]
Alarm = Callable[[dict[str, np.ndarray]], bool]

RUNS = range(1, 9)
STEPS = range(20, 121)
HARM = 0.1
MOST_MISSED = 1


def _winners(rng: np.random.Generator) -> Iterator[tuple[Winners]]:
    yield ([["7", "7", "8"], ["3", "4"]],)
    yield ([["7", "8", "7"], ["5"], []],)
    yield ([["5"], []],)
    for questions in (3, 6, 10):
        counts = rng.integers(0, 6, size=questions)
        yield ([[str(each) for each in rng.integers(3, size=count)] for count in counts],)


def _flips(winners: Winners) -> list[bool]:
    return [a[i] != a[i - 1] for a in winners for i in range(1, len(a))]


def _flip_rate(winners: Winners) -> float:
    flips = _flips(winners)
    return sum(flips) / len(flips) if flips else math.nan


def _mean_over_questions(winners: Winners) -> float:
    rates = [np.mean(_flips([each])) for each in winners if len(each) > 1]
    return float(np.mean(rates)) if rates else math.nan


def _histories(rng: np.random.Generator) -> Iterator[tuple[Histories, int]]:
    yield [[("7", 15), ("8", 9)], [("3", 6), ("4", 9)]], 14
    yield [[("7", 15), ("8", 9), ("7", 16)], [("5", 14), ("6", 16)]], 14
    yield [[("7", 14), ("8", 15), ("8", 16)], [("2", 3)]], 14
    for enough in (14, 10, 12):
        questions = []
        for count in rng.integers(1, 7, size=8):
            answers, votes = rng.integers(3, size=count), rng.integers(6, 17, size=count)
            questions.append([(str(a), int(v)) for a, v in zip(answers, votes, strict=True)])
        yield questions, enough


def _settled(visits: list[tuple[str, int]], enough: int) -> str | None:
    for winner, votes in visits:
        if votes >= enough:
            return winner
    return None


def _drift(histories: Histories, enough: int = 14) -> float:
    settled = [_settled(each, enough) for each in histories]
    pairs = zip(histories, settled, strict=True)
    return sum(s is not None and s != visits[-1][0] for visits, s in pairs) / len(histories)


def _drift_of_settled(histories: Histories, enough: int = 14) -> float:
    settled = [each for each in histories if _settled(each, enough) is not None]
    return _drift(settled, enough) if settled else math.nan


def _drift_from_last_settled(histories: Histories, enough: int = 14) -> float:
    found = 0
    for visits in histories:
        settled = _settled(visits[::-1], enough)
        found += settled is not None and settled != visits[-1][0]
    return found / len(histories)


def recorded(number: int) -> dict[str, Any]:
    """Returns a recorded run."""
    data = (COURSE / "data" / f"run-{number}.json.gz").read_bytes()
    run: dict[str, Any] = json.loads(gzip.decompress(data))
    return run


def is_harmed(run: dict[str, Any]) -> bool:
    """Returns the verdict of the labels: mean@16 ends ten points or more under its highest."""
    mean = np.convolve(run["judged"]["mean@16"], np.ones(13) / 13, mode="valid")
    return bool(mean[-1] <= mean.max() - HARM)


def _first_alarm(alarm: Alarm, run: dict[str, Any]) -> int | None:
    metrics = {name: np.array(values, dtype=float) for name, values in run["metrics"].items()}
    for step in STEPS:
        said = call(alarm, {name: values[:step].copy() for name, values in metrics.items()})
        if not isinstance(said, (bool, np.bool_)):
            raise NotRightError(
                f"it returns {said!r}. Return True or False: `return bool(...)`, and on every way "
                "through the function."
            )
        if said:
            return step
    return None


def _check_alarm(alarm: Alarm) -> None:
    alarms = {number: _first_alarm(alarm, recorded(number)) for number in RUNS}
    harmed = {number for number in RUNS if is_harmed(recorded(number))}
    false = [number for number in RUNS if number not in harmed and alarms[number]]
    missed = [number for number in sorted(harmed) if not alarms[number]]
    if not false and len(missed) <= MOST_MISSED:
        return
    if len(false) == len(RUNS) - len(harmed) and not missed:
        fault = "It raises an alarm in every run, so an alarm says nothing."
    elif not any(alarms.values()):
        fault = "It never raises an alarm."
    elif false:
        fault = (
            f"False alarm in run {false[0]}, after step {alarms[false[0]]}: that run stays "
            "healthy. Ask for more before you raise one, or compare the run with its own start."
        )
    else:
        fault = (
            f"It misses {len(missed)} harmed runs ({', '.join(map(str, missed))}). What changes in "
            "them, late, that does not change in the others?"
        )
    lines = (
        f"  run {number}  {'harmed ' if number in harmed else 'healthy'}  "
        + (f"alarm after step {step}" if (step := alarms[number]) else "no alarm")
        for number in RUNS
    )
    raise NotRightError("not right yet.\n\n" + fault + "\n\n" + "\n".join(lines))


CHECKS: dict[str, Check] = {
    "9.1": compare(
        _flip_rate,
        _winners,
        mistakes=[
            Mistake(
                "You compare with the first visit of the question. That is the drift rate; a flip "
                "is a change since the visit *before*.",
                lambda w: float(np.mean([x != a[0] for a in w for x in a[1:]] or [math.nan])),
            ),
            Mistake(
                "You divide by all visits. The first visit of a question cannot flip, so it does "
                "not count.",
                lambda w: sum(_flips(w)) / max(sum(map(len, w)), 1) if _flips(w) else math.nan,
            ),
            Mistake(
                "You took the mean over questions of the share of each. Count all visits together.",
                lambda w: float(
                    np.mean([np.mean(_flips([a])) for a in w if len(a) > 1] or [math.nan])
                ),
            ),
            Mistake(
                "Without a second visit the rate is not 0 but unknown: return float('nan').",
                lambda w: sum(_flips(w)) / max(len(_flips(w)), 1),
            ),
        ],
    ),
    "9.2": compare(
        _drift,
        _histories,
        mistakes=[
            Mistake(
                "You divide by the questions that settled; divide by all.",
                _drift_of_settled,
            ),
            Mistake(
                "A question settles once, at the *first* visit with enough votes. You took the "
                "last.",
                _drift_from_last_settled,
            ),
            Mistake(
                "You compare with the first winner. Only a winner with enough votes is settled.",
                lambda h, n=14: float(np.mean([v[0][0] != v[-1][0] for v in h])),
            ),
            Mistake(
                "`enough` votes are enough: compare with >=, not with >.",
                lambda h, n=14: _drift(h, n + 1),
            ),
            Mistake(
                "You ask whether the last winner has enough votes. A question that left its answer "
                "counts, however few votes the new one has.",
                lambda h, n=14: float(
                    np.mean([v[-1][1] >= n and _settled(v, n) not in (None, v[-1][0]) for v in h])
                ),
            ),
        ],
    ),
    "9.3": _check_alarm,
}
