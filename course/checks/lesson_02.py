"""The checks of lesson 2."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from course_tools.checking import Check, Mistake, NotRightError, call, compare

Answers = list[str | None]


def _ballots(rng: np.random.Generator) -> Iterator[tuple[Answers]]:
    yield (["7", "5", "7"],)
    yield (["5", "7", "7"],)
    yield (["9", "7", "7", "9", "3"],)
    yield ([None, None, None, "4", "4", "1"],)
    yield ([None, "8", None],)
    yield ([None, None],)
    yield (["10", "9", "9", "10"],)
    for size in (8, 16, 16):
        yield ([None if i == 0 else str(i) for i in rng.integers(5, size=size).tolist()],)


def _winner(answers: Answers) -> str | None:
    given = [each for each in answers if each is not None]
    return max(given, key=given.count, default=None)  # the first of several


def _rewards(answers: Answers) -> np.ndarray:
    winner = _winner(answers)
    return np.array([float(each is not None and each == winner) for each in answers])


def _rewards_with_none(answers: Answers) -> np.ndarray:
    winner = max(answers, key=answers.count)
    return np.array([float(each == winner) for each in answers])


def _none_wins_without_reward(answers: Answers) -> np.ndarray:
    return _rewards_with_none(answers) * np.array([each is not None for each in answers])


def _last_of_a_tie(answers: Answers) -> np.ndarray:
    given = [each for each in answers if each is not None]
    winner = max(reversed(given), key=given.count, default=None)
    return np.array([float(each is not None and each == winner) for each in answers])


def _sorted_tie(answers: Answers) -> np.ndarray:
    given = sorted(each for each in answers if each is not None)
    winner = max(given, key=given.count, default=None)
    return np.array([float(each is not None and each == winner) for each in answers])


def _all_of_a_tie(answers: Answers) -> np.ndarray:
    most = max((answers.count(each) for each in answers if each is not None), default=0)
    return np.array([float(each is not None and answers.count(each) == most) for each in answers])


def _absolute(answers: Answers) -> np.ndarray:
    return _rewards(answers) * (_rewards(answers).mean() > 0.5)


def _shares(answers: Answers) -> np.ndarray:
    return np.array([answers.count(each) / len(answers) if each else 0.0 for each in answers])


def _counts(rng: np.random.Generator) -> Iterator[tuple[int, int, int]]:
    yield from ((4, 1, 1), (4, 1, 2), (4, 0, 3), (4, 2, 3), (16, 16, 4))
    for n in rng.integers(5, 60, size=4).tolist():
        yield n, int(rng.integers(n // 2)), int(rng.integers(1, n // 2))


def _pass_at_k(n: int, c: int, k: int) -> float:
    wrong = 1.0
    for i in range(k):
        wrong *= max(0, n - c - i) / (n - i)
    return 1 - wrong


def _check_lucky_hit(function: Callable[..., Any]) -> None:
    made = call(function)
    if not isinstance(made, tuple) or len(made) != 2 or not isinstance(made[0], (list, tuple)):
        raise NotRightError(
            "not right yet.\n\nReturn two things: the list of ten answers, and the true answer.\n\n"
            f"  got  {made!r}"
        )
    answers, label = list(made[0]), made[1]
    if not all(isinstance(each, str) for each in [*answers, label]):
        raise NotRightError('not right yet.\n\nAnswers are texts: write "7", not 7.')
    if len(answers) != 10:
        raise NotRightError(
            f"not right yet.\n\nA ballot of exactly ten answers is asked for; yours has "
            f"{len(answers)}."
        )
    winner, rewards = _winner(answers), _rewards(answers)
    accuracy = float(np.mean(rewards == [each == label for each in answers]))
    shown = (
        f"  answers        {' '.join(answers)}\n  true answer    {label}\n"
        f"  the vote       {winner}, with {answers.count(winner)} of 10\n"
        f"  rewards right  {accuracy:.0%}"
    )
    if winner == label:
        raise NotRightError(
            "not right yet.\n\nThis vote is right. Another answer than the true one must have the "
            f"most votes, or be the first of a tie.\n\n{shown}"
        )
    if accuracy < 0.8:
        raise NotRightError(
            "not right yet.\n\nThe vote is wrong, as it should be, but too many rewards are wrong "
            "too. Wrong are those of the winner's voters, who get 1, and those of the true "
            f"answer's voters, who get 0. Make both few.\n\n{shown}"
        )


CHECKS: dict[str, Check] = {
    "2.1": compare(
        _rewards,
        _ballots,
        mistakes=[
            Mistake(
                "None won a vote. It is not an answer: leave it out before you count.",
                _rewards_with_none,
            ),
            Mistake(
                "None won a vote, and nobody was rewarded. Leave it out before you count.",
                _none_wins_without_reward,
            ),
            Mistake(
                "In a tie the last answer won. The one that appeared first must win.",
                _last_of_a_tie,
            ),
            Mistake(
                "In a tie the first answer of the alphabet won, not the first in the list (does "
                "something sort?).",
                _sorted_tie,
            ),
            Mistake(
                "In a tie you reward all winners. Only the answer that appeared first wins.",
                _all_of_a_tie,
            ),
            Mistake(
                "You reward the winner only if it has more than half of the votes. It needs only "
                "more than each other answer.",
                _absolute,
            ),
            Mistake(
                "You reward each answer with its share of the votes. Here the winner earns 1 and "
                "all others 0.",
                _shares,
            ),
        ],
    ),
    "2.2": compare(
        _pass_at_k,
        _counts,
        mistakes=[
            Mistake(
                "This is the obvious estimate, which puts the completions back. Use the binomial "
                "coefficients.",
                lambda n, c, k: 1 - (1 - c / n) ** k,
            ),
            Mistake(
                "This is the chance that all k are wrong. Subtract it from 1.",
                lambda n, c, k: math.comb(n - c, k) / math.comb(n, k),
            ),
            Mistake(
                "You count the ways to choose k of the c right ones: this is the chance that all k "
                "are wrong if c counts the wrong ones. Choose from the n - c wrong ones.",
                lambda n, c, k: 1 - math.comb(c, k) / math.comb(n, k),
            ),
            Mistake(
                "This is the chance that all k are right. One is enough.",
                lambda n, c, k: math.comb(c, k) / math.comb(n, k),
            ),
            Mistake("This does not depend on k: it is pass@1.", lambda n, c, k: c / n),
            Mistake(
                "This is 1 if any of the n is right. Only k of them are drawn.",
                lambda n, c, k: float(c > 0),
            ),
        ],
    ),
    "2.3": _check_lucky_hit,
}
