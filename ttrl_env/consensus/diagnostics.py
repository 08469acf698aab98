"""The diagnostics of a run that need no label, from the votes alone.

- `Diagnostics`: metrics of each step, from the information that `ConsensusReward` gives.
- `DIAGNOSTICS`: their names.

They need no label. Majority ratio and entropy say how far votes agree; flip and drift rates,
whether a question still elects what it elected before, and settled drift whether it still elects
what its votes were once sure of; distinct winners, whether different questions still elect
different answers. A collapse that the majority ratio hides shows in these.
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["DIAGNOSTICS", "Diagnostics"]

Array = npt.NDArray[Any]

DIAGNOSTICS = (
    "majority_ratio",
    "margin",
    "answer_entropy",
    "distinct_answers",
    "distinct_winners",
    "flip_rate",
    "drift_rate",
    "settled_drift",
    "absent_answers",
    "truncated",
    "abstained_groups",
    "groups_without_gradient",
    "completion_tokens",
    "finished_tokens",
    "length_trend",
)


class Diagnostics:
    """Label-free metrics of each step, from the votes.

    The winner of a group is its most frequent answer, of equals the one that came first, whatever
    the reward made of the votes. Each metric is a mean over the groups of a step, but where it says
    otherwise, and NaN where there is nothing to take it over:

    - `majority_ratio`: the winner's votes over the size of the group; 0 without any answer;
    - `margin`: the winner's votes less the runner-up's, over the size of the group;
    - `answer_entropy`: of the shares of the answers among those given, in nats;
    - `distinct_answers`: how many different answers a group has;
    - `distinct_winners`: the number of different winners of a step over the groups that have one;
    - `flip_rate`: the share of groups whose winner is another than at the last visit of the
      question;
    - `drift_rate`: the share whose winner is another than at its first visit;
    - `settled_drift`: the share whose winner is another than the one on which the question once
      settled. A question settles at the first visit at which its winner has so many votes that
      chance hardly explains them: of an answer that half of all completions give, they would come
      up in 1 % of groups at most. These are 14 of 16 votes and 42 of 64; in groups of fewer than 7
      no question settles. These three leave out questions that are seen for the first time, and
      groups without any answer;
    - `absent_answers`, `truncated`: the share of completions without an answer, and of those that
      did not end by themselves;
    - `abstained_groups`: the share of groups that abstain;
    - `groups_without_gradient`: the share that teach nothing: they abstain, or their rewards are
      all equal, or the advantages that the reward gave are all 0;
    - `completion_tokens`: the mean number of tokens of a completion;
    - `finished_tokens`: that of the completions that ended by themselves;
    - `length_trend`: the least-squares slope of that mean over the last `window` steps, relative to
      its mean there: 0.01 is 1 % a step.

    What is remembered of a question are digests of the keys of its first, last and settled winner,
    so memory grows with the number of questions and not with the number of steps.

    Args:
        group_size: Completions of one question.
        window: Steps over which the trend of the length is taken, 2 or more.

    Raises:
        ValueError: A number is out of range.

    >>> diagnostics = Diagnostics(group_size=4)
    >>> infos = {
    ...     "question_id": np.array(["q"] * 4), "vote": np.array([0, 1, 0, -1]),
    ...     "answer_key": np.array(["7", "8", "7", None]), "abstained": np.zeros(4, bool),
    ...     "finished": np.ones(4, bool), "_vote": np.ones(4, bool),
    ... }
    >>> metrics = diagnostics.update(infos, np.array([1.0, 0.0, 1.0, 0.0]))
    >>> metrics["majority_ratio"], metrics["margin"], metrics["absent_answers"]
    (0.5, 0.25, 0.25)
    """

    def __init__(self, group_size: int, *, window: int = 20) -> None:
        if group_size < 1:
            raise ValueError(f"group_size must be 1 or more, not {group_size}")
        if window < 2:
            raise ValueError(f"window must be 2 or more, not {window}")
        self.group_size = group_size
        self._first: dict[str, str] = {}
        self._last: dict[str, str] = {}
        self._settled: dict[str, str] = {}
        self._enough = _votes_that_settle(group_size)
        self._lengths: deque[float] = deque(maxlen=window)

    def update(
        self,
        infos: dict[str, Any],
        rewards: npt.ArrayLike,
        tokens: npt.ArrayLike | None = None,
    ) -> dict[str, float]:
        """Returns the metrics of a step and remembers its winners.

        Args:
            infos: The information about the episodes that the step ended: what `step` of a
                `ConsensusReward` returned, through `finished_info`.
            rewards: The rewards of the step, shape (completions,).
            tokens: The number of tokens of each completion, where it is known.

        Returns:
            One value for each of `DIAGNOSTICS`; nothing where no episode ended, as in a step that
            only resets.

        Raises:
            ValueError: The arrays make no whole groups.
        """
        size = self.group_size
        votes = np.asarray(infos["vote"])
        columns = {"votes": len(votes), "rewards": len(np.atleast_1d(rewards))}
        if tokens is not None:
            columns["token counts"] = len(np.atleast_1d(tokens))
        if len(set(columns.values())) != 1 or len(votes) % size:
            counts = ", ".join(f"{count} {name}" for name, count in columns.items())
            raise ValueError(f"{counts} make no whole groups of {size}")
        ended = np.flatnonzero(np.asarray(infos["_vote"]).reshape(-1, size).all(axis=1))
        if len(ended) == 0:
            return {}

        def groups(values: Any) -> Array:
            return np.asarray(values).reshape(-1, size)[ended]

        abstained = groups(infos["abstained"])[:, 0].astype(bool)
        metrics = self._vote_metrics(
            groups(votes), groups(infos["answer_key"]), groups(infos["question_id"])[:, 0]
        )
        metrics["absent_answers"] = float(np.mean(groups(votes) < 0))
        finished = groups(infos["finished"]).astype(bool)
        metrics["truncated"] = float(1 - np.mean(finished))
        metrics["abstained_groups"] = float(abstained.mean())
        idle = abstained | _without_contrast(groups(rewards), infos, groups)
        metrics["groups_without_gradient"] = float(idle.mean())
        for name in ("completion_tokens", "finished_tokens", "length_trend"):
            metrics[name] = float("nan")
        if tokens is not None:
            metrics["completion_tokens"] = float(groups(tokens).mean())
            metrics["finished_tokens"] = _mean(groups(tokens)[finished].tolist())
            self._lengths.append(metrics["completion_tokens"])
            metrics["length_trend"] = _trend(self._lengths)
        return {name: metrics[name] for name in DIAGNOSTICS}

    def state_dict(self) -> dict[str, Any]:
        """Returns what is remembered, as JSON holds it."""
        return {
            "first": dict(self._first),
            "last": dict(self._last),
            "settled": dict(self._settled),
            "lengths": list(self._lengths),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what `state_dict` returned."""
        self._first, self._last = dict(state["first"]), dict(state["last"])
        self._settled = dict(state["settled"])
        self._lengths = deque(state["lengths"], maxlen=self._lengths.maxlen)

    def _vote_metrics(self, votes: Array, keys: Array, questions: Array) -> dict[str, float]:
        """The metrics of the vote, and what it says of earlier ones."""
        ratios, margins, entropies, distinct = [], [], [], []
        flips, drifts, settled_drifts, winners = [], [], [], set()
        for group, answers, question in zip(votes, keys, map(str, questions), strict=True):
            counts = np.bincount(group[group >= 0])
            second, first = np.sort(np.append(counts, [0, 0]))[-2:]
            ratios.append(first / len(group))
            margins.append((first - second) / len(group))
            distinct.append(np.count_nonzero(counts))
            if len(counts) == 0:
                continue
            shares = counts[counts > 0] / counts.sum()
            entropies.append(-(shares * np.log(shares)).sum())
            winner = _digest(answers[np.argmax(group == counts.argmax())])
            winners.add(winner)
            if question in self._last:
                flips.append(self._last[question] != winner)
                drifts.append(self._first[question] != winner)
                settled_drifts.append(self._settled.get(question, winner) != winner)
            if first >= self._enough:
                self._settled.setdefault(question, winner)
            self._last[question] = winner
            self._first.setdefault(question, winner)
        return {
            "majority_ratio": _mean(ratios),
            "margin": _mean(margins),
            "answer_entropy": _mean(entropies),
            "distinct_answers": _mean(distinct),
            "distinct_winners": len(winners) / len(entropies) if entropies else float("nan"),
            "flip_rate": _mean(flips),
            "drift_rate": _mean(drifts),
            "settled_drift": _mean(settled_drifts),
        }


def _votes_that_settle(size: int) -> int:
    """The fewest votes that an answer of half of all completions has in 1 % of groups at most.

    More than `size` where no number of votes is that unlikely.
    """
    ways = 0
    for votes in range(size, -1, -1):
        ways += math.comb(size, votes)
        if 100 * ways > 2**size:
            return votes + 1
    return 0  # never reached: all the ways together are 2**size


def _digest(key: Hashable) -> str:
    # Not `hash`: that of a string differs between processes, and this is kept on disk.
    return hashlib.blake2b(repr(key).encode(), digest_size=8).hexdigest()


def _without_contrast(
    rewards: Array, infos: dict[str, Any], groups: Callable[[Any], Array]
) -> Array:
    """Which groups have nothing to prefer."""
    equal: Array = (rewards == rewards[:, :1]).all(axis=1)
    if "advantage" in infos:
        given = groups(infos["_advantage"]).all(axis=1)
        equal = np.where(given, (groups(infos["advantage"]) == 0).all(axis=1), equal)
    return equal


def _trend(values: Iterable[float]) -> float:
    """The least-squares slope over the mean; 0 for fewer than two values."""
    heights = np.array(list(values))
    if len(heights) < 2 or heights.mean() == 0:
        return 0.0
    steps = np.arange(len(heights)) - (len(heights) - 1) / 2
    return float(steps @ heights / (steps @ steps) / heights.mean())


def _mean(values: list[Any]) -> float:
    return float(np.mean(values)) if values else float("nan")
