"""Helpers of the rewards: sums that no order changes, elections, advantages.

- `exact_mean`, `class_sums`: correctly rounded, so that the order of the votes changes no bit.
- `elect`: the class with the highest score.
- `known_tokens`, `token_means`, `measured_tokens`: what the sampler said of the tokens; raise where
  it did not.
- `group_advantages`: the group-relative advantages of GRPO, in NumPy.
- `check_number`, `check_choice`, `check_flag`: raise for an option that is out of its range.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ttrl_env.consensus.ballot import Ballot, TokenValues
from ttrl_env.consensus.errors import RewardError

__all__ = [
    "LARGEST",
    "check_choice",
    "check_flag",
    "check_number",
    "class_sums",
    "elect",
    "exact_mean",
    "group_advantages",
    "known_tokens",
    "measured_tokens",
    "token_means",
]

Floats = npt.NDArray[np.float64]

LARGEST = 1e6
"""The largest value of an option that has no bound of its own; more would overflow."""


def exact_mean(values: Iterable[float]) -> float:
    """Returns the mean, rounded once, so that the order of the values changes nothing.

    >>> exact_mean([1e16, 1.0, -1e16])
    0.3333333333333333
    """
    listed = [float(value) for value in values]
    return math.fsum(listed) / len(listed)


def class_sums(ballot: Ballot, weights: npt.ArrayLike) -> Floats:
    """Returns the sum of the members' weights for each answer class, each rounded once."""
    given = np.asarray(weights, dtype=np.float64)
    return np.array(
        [math.fsum(given[ballot.classes == each]) for each in range(len(ballot.counts))]
    )


def elect(scores: npt.ArrayLike) -> int | None:
    """Returns the index of the highest score, the first of several; `None` of no scores.

    >>> elect([1.0, 3.0, 3.0]), elect([])
    (1, None)
    """
    given = np.asarray(scores)
    return int(np.argmax(given)) if given.size else None


def token_means(values: TokenValues, name: str, estimator: object, *, tail: float = 1.0) -> Floats:
    """Returns the mean over each completion's tokens, 0 where it has none.

    Args:
        values: One value a token, for each completion.
        name: What they are, for the message.
        estimator: Who asks, for the message.
        tail: The share of tokens that count, the last ones; one at least.

    Raises:
        RewardError: The sampler did not say; the message says how to make it.
    """
    rows = known_tokens(values, name, estimator)
    means = [
        float(np.mean(row[-max(1, round(tail * row.size)) :], dtype=np.float64)) if row.size else 0
        for row in rows
    ]
    return np.array(means, dtype=np.float64)


def known_tokens(
    values: TokenValues, name: str, estimator: object
) -> list[npt.NDArray[np.float32]]:
    """Returns the values, one array a completion.

    Raises:
        RewardError: The sampler did not say, and the message says how to make it; or a value is
            not a number, which every comparison of completions would get wrong.
    """
    rows = [row for row in values if row is not None]
    if len(rows) < len(values):
        asked = (
            "sample with log-probabilities"
            if name == "log_probs"
            else "sample with SamplingParams(token_statistics=True)"
        )
        raise RewardError(
            f"{estimator!r} needs the {name} of every completion, and "
            f"{len(values) - len(rows)} of {len(values)} came without. Hand the environment "
            f"Completion(text, {name}=...) instead of plain text: {asked}."
        )
    least = -math.inf if name == "log_probs" else np.finfo(np.float32).min
    for place, row in enumerate(rows):
        usable = (row >= least) & (row < math.inf)
        if not usable.all():
            raise RewardError(
                f"{estimator!r} cannot compare the {name} of completion {place} of the group: "
                f"one of them is {row[~usable][0]}. Look for weights or logits that are not finite."
            )
    return rows


def measured_tokens(
    ballot: Ballot, measure: str, estimator: object
) -> list[npt.NDArray[np.float32]]:
    """Returns what tokens' confidence is made of, one array a completion.

    Args:
        ballot: The votes.
        measure: `"self_certainty"`, or `"probability"` for the log-probabilities.
        estimator: The reward, for errors.

    Raises:
        RewardError: As `known_tokens` does.
    """
    if measure == "self_certainty":
        return known_tokens(ballot.token_self_certainties, "self_certainties", estimator)
    return known_tokens(ballot.token_log_probs, "log_probs", estimator)


def group_advantages(rewards: Floats, *, scale_by_std: bool = True) -> Floats:
    """Returns how much better each completion did than its group.

    A_i = (r_i - mean(r)) / (std(r) + 1e-6) with the unbiased standard deviation, as GRPO (arXiv
    2402.03300) and the learner have it; exactly 0 where all rewards are equal.

    Args:
        rewards: The rewards of one group, shape (n,).
        scale_by_std: Whether to divide at all.

    >>> group_advantages(np.array([1.0, 0.0, 0.0, 0.0])).round(3)
    array([ 1.5, -0.5, -0.5, -0.5])
    """
    if rewards.size == 0 or (rewards == rewards[0]).all():
        return np.zeros(rewards.size)
    centred = rewards - exact_mean(rewards)
    if not scale_by_std:
        return centred
    variance = math.fsum(centred**2) / (rewards.size - 1)
    return np.asarray(centred / (math.sqrt(variance) + 1e-6))


def check_number(
    name: str, value: object, low: float, high: float | None = None, *, whole: bool = False
) -> None:
    """Checks that an option is a number from `low` to `high`.

    Without `high`, whole numbers may be of any size, others at most `LARGEST`.

    Raises:
        ValueError: It is not.
    """
    is_number = isinstance(value, int) or (isinstance(value, float) and not whole)
    top = high if high is not None else math.inf if whole else LARGEST
    if isinstance(value, bool) or not is_number or not low <= value <= top:  # type: ignore[operator]
        kind = "a whole number" if whole else "a number"
        bounds = f"of {low:g} or more" if top == math.inf else f"from {low:g} to {top:,.10g}"
        raise ValueError(f"{name} must be {kind} {bounds}, not {value!r}")


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Checks that an option is one of these words.

    Raises:
        ValueError: It is not.
    """
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def check_flag(name: str, value: object) -> None:
    """Checks that an option is true or false.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, not {value!r}")
