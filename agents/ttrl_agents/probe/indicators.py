"""The indicators of a probe: what a few votes on each question say, without labels.

- `Indicators`: the numbers.
- `measure_votes`: computes them from the votes.
- `first_votes`: a question with its first votes alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ttrl_agents.evaluate.evaluation import as_json
from ttrl_agents.evaluate.results import QuestionResult
from ttrl_agents.evaluate.statistics import Interval, bootstrap_intervals

__all__ = ["Indicators", "first_votes", "measure_votes"]

_SPLITS = 64


@dataclass(frozen=True)
class Indicators:
    """What the votes on some questions say, without labels.

    The winner of a question is its most frequent answer, of equals the one that came first.
    Intervals are 95 % bootstrap intervals over questions.

    Attributes:
        questions: The number of questions.
        n_votes: The votes on each, those without an answer included.
        majority_ratio: The winner's votes over all votes of the question.
        margin: The winner's votes less the runner-up's, over all votes.
        answer_entropy: The entropy of the shares of the answers given, in nats, on average over
            the questions with an answer; `None` where there is none.
        teaching: The share of questions that would teach: the reward `majority` would reward some
            completions and others not.
        reproducible: How often one half of the votes elects what the other half elects.
        agreement: A kappa: how much oftener two votes on one question agree than two votes on
            different ones do, as a share of what is possible. 0 where votes do not depend on the
            question; `None` for a single question.
        distinct_winners: Different winners over the questions that have one; `None` without any.
        absent: The share of completions without an answer.
        truncated: The share of completions that did not end by themselves.
        shares: The majority ratio of each question.
    """

    questions: int
    n_votes: int
    majority_ratio: Interval
    margin: Interval
    answer_entropy: float | None
    teaching: Interval
    reproducible: Interval
    agreement: float | None
    distinct_winners: float | None
    absent: float
    truncated: float
    shares: tuple[float, ...]

    def to_dict(self) -> dict[str, object]:
        """Returns the indicators as JSON, intervals under `…_ci95`."""
        intervals = {
            "majority_ratio": self.majority_ratio,
            "margin": self.margin,
            "teaching": self.teaching,
            "reproducible": self.reproducible,
        }
        plain = {
            "answer_entropy": self.answer_entropy,
            "agreement": self.agreement,
            "distinct_winners": self.distinct_winners,
            "absent": self.absent,
            "truncated": self.truncated,
        }
        rounded = {name: None if each is None else round(each, 6) for name, each in plain.items()}
        return {
            "questions": self.questions,
            "n_votes": self.n_votes,
            **as_json(intervals),
            **rounded,
        }


def measure_votes(results: Sequence[QuestionResult]) -> Indicators:
    """Returns the indicators of some questions, each with the same number of votes.

    Args:
        results: The questions with their votes; labels are not looked at.

    Raises:
        ValueError: There is no question, a question has fewer than two votes, or their numbers
            differ.
    """
    if len({each.k for each in results}) != 1:
        raise ValueError("a probe needs questions with the same number of votes")
    n = results[0].k
    if n < 2:
        raise ValueError(f"{n} vote on each question cannot agree; a probe needs 2 or more")
    votes = np.array([each.votes for each in results])
    counts = [np.bincount(group[group >= 0]) for group in votes]
    tops = [np.sort(np.append(each, [0, 0]))[-2:].tolist() for each in counts]
    ratios = np.array([first / n for _, first in tops])
    columns = {
        "ratio": ratios,
        "margin": np.array([(first - second) / n for second, first in tops]),
        "teaching": (ratios > 0) & (ratios < 1),
        "reproducible": _reproducible(votes),
    }
    values = np.stack([np.asarray(each, np.float64) for each in columns.values()], axis=1)
    ratio, margin, teaching, reproducible = bootstrap_intervals(values)
    entropies = [_entropy(each) for each in counts if each.sum()]
    tallies = [_tally(each) for each in results]
    winners = {max(each, key=lambda key: each[key]) for each in tallies if each}
    answered = sum(map(bool, tallies))
    return Indicators(
        questions=len(results),
        n_votes=n,
        majority_ratio=ratio,
        margin=margin,
        answer_entropy=float(np.mean(entropies)) if entropies else None,
        teaching=teaching,
        reproducible=reproducible,
        agreement=_kappa(tallies, n),
        distinct_winners=len(winners) / answered if answered else None,
        absent=float((votes < 0).mean()),
        truncated=1 - float(np.mean([each.finished for each in results])),
        shares=tuple(ratios.tolist()),
    )


def first_votes(result: QuestionResult, n: int) -> QuestionResult:
    """Returns a question with its first n votes alone; with all of them if it has no more."""
    correct = None if result.correct is None else result.correct[:n]
    return replace(
        result,
        correct=correct,
        **{
            name: getattr(result, name)[:n]
            for name in ("texts", "answers", "spans", "rules", "keys", "votes")
        },
        finished=result.finished[:n],
        tokens=result.tokens[:n],
    )


def _entropy(counts: npt.NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return abs(float((shares * np.log(shares)).sum()))


def _tally(result: QuestionResult) -> Counter[Hashable]:
    """Returns the votes of each answer; its key is the same on every question."""
    return Counter(
        answer if key is None else key
        for key, answer, vote in zip(result.keys, result.answers, result.votes, strict=True)
        if vote >= 0
    )


def _kappa(tallies: Sequence[Counter[Hashable]], n: int) -> float | None:
    """Fleiss' kappa, but for chance, which is the agreement of votes on different questions.

    A vote without an answer agrees with nothing.
    """
    questions = len(tallies)
    if questions < 2:
        return None
    squares = sum(count**2 for each in tallies for count in each.values())
    votes = sum(each.total() for each in tallies)
    within = (squares - votes) / (questions * n * (n - 1))
    totals: Counter[Hashable] = Counter()
    for each in tallies:
        totals.update(each)
    across = sum(count**2 for count in totals.values()) - squares
    between = across / (n**2 * questions * (questions - 1))
    return 0.0 if between == 1 else (within - between) / (1 - between)


def _reproducible(votes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """How often the two halves of each group elect the same, over some ways to divide it."""
    rng = np.random.default_rng(0)
    half = votes.shape[1] // 2
    same = np.zeros(len(votes))
    for _ in range(_SPLITS):
        order = rng.permutation(votes.shape[1])
        first, second = votes[:, order[:half]], votes[:, order[half : 2 * half]]
        same += [_winner(a) == _winner(b) >= 0 for a, b in zip(first, second, strict=True)]
    return same / _SPLITS


def _winner(group: npt.NDArray[np.int64]) -> int:
    """Returns the most frequent answer, of equals the first; -1 where there is none."""
    answered = group[group >= 0]
    if not len(answered):
        return -1
    counts = np.bincount(answered)
    return next(int(each) for each in answered if counts[each] == counts.max())
