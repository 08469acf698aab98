"""SCOPE: parts of a group learn from labels of their own, voted by confident completions.

- `Scope`: the reward.
- `step_confidence`: the mean over the steps of a completion of their mean confidence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import may_need, reward
from ttrl_env.consensus.rewards.common import Floats, check_choice, check_number, measured_tokens
from ttrl_env.consensus.verdict import Verdict

__all__ = ["Scope", "step_confidence"]

Labels = tuple[int | None, ...]

_ENDS = {"paragraph": re.compile(r"\n\s*\n"), "line": re.compile(r"\n+")}
_EPSILON = 1e-8


def step_confidence(tokens: npt.ArrayLike, text: str, steps: str = "paragraph") -> float:
    r"""Returns the mean over the steps of a completion of their mean confidence.

    Where a step ends among the tokens is estimated from where it ends in the text.

    Args:
        tokens: The confidence of each token.
        text: The completion.
        steps: What ends a step, `"paragraph"` or `"line"`.

    >>> step_confidence([1.0, 1.0, 1.0, 4.0], "abcd\n\nzz")  # 6 of 8 characters, 3 of 4 tokens
    2.5
    """
    values = np.asarray(tokens, dtype=np.float64)
    ends = [match.end() for match in _ENDS[steps].finditer(text)]
    cuts = sorted({0, values.size, *(round(values.size * end / len(text)) for end in ends)})
    means = [float(values[a:b].mean()) for a, b in pairwise(cuts)]
    return math.fsum(means) / len(means) if means else 0.0


@reward(
    "scope",
    summary="agreement with the confident votes of a random half, another for each subgroup",
    paper="2512.15146",
)
@dataclass(frozen=True)
class Scope:
    """Rewards agreement with a label that each subgroup elects for itself.

    The group of n is cut into subgroups of equal size, in its order. For each of them a random
    share of the whole group votes, each vote weighing the completion's confidence; its members
    have r_i = 1[a_i = the label elected]. The confidence of a completion is the mean over its steps
    of the mean confidence of their tokens.

    The size of the subgroups is 1, 2, 4, ... or n, whichever divides n and weighs best how many
    are rewarded against how many different labels there are: with both stretched to [0, 1] over
    the sizes that no other beats in both, the least

    weight (1 - share rewarded)^2 + (1 - weight) (1 - different labels)^2.

    Labels are drawn anew for the size chosen. All draws are a pure function of the visit, so that
    a run repeats exactly. Where all subgroups elect the same answer, it is the pseudo-label; else
    there is none. A group without any answer abstains.

    Source: SCOPE, arXiv 2512.15146; checked in the authors' code. It differs in four points. There
    one size is chosen for all questions of a step: a reward sees one group. There the confidence
    of a token is the mean negative log-probability of its likeliest tokens: here, as in `deepconf`,
    it is the self-certainty over the whole vocabulary, or the probability of the token drawn.
    There a step ends with the token that holds a blank line: here that is estimated from the text.
    There a completion without an answer shifts the confidences of those after it, which looks like
    an oversight; here it votes for nothing.

    When not to use it: with few votes, of which half decide; and where the model is sure of its
    mistakes.

    Args:
        voters: The share of the group that elects each label; the authors' is 32 of 64.
        weight: How much the share that is rewarded counts against the number of labels.
        steps: What ends a step: a blank line (`"paragraph"`), or any line end (`"line"`).
        measure: The confidence of a token.
        seed: Names the draws.
    """

    voters: float = 0.5
    weight: float = 0.7
    steps: Literal["paragraph", "line"] = "paragraph"
    measure: Literal["self_certainty", "probability"] = "self_certainty"
    seed: int = 0

    def __post_init__(self) -> None:
        check_number("voters", self.voters, 0, 1)
        check_number("weight", self.weight, 0, 1)
        check_choice("steps", self.steps, tuple(_ENDS))
        check_choice("measure", self.measure, ("self_certainty", "probability"))
        check_number("seed", self.seed, 0, whole=True)

    @may_need
    def needs_token_statistics(self) -> bool:
        """Whether log-probabilities are not enough."""
        return self.measure == "self_certainty"

    @property
    def needs_log_probs(self) -> bool:
        """Whether log-probabilities are enough."""
        return self.measure == "probability"

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        confidences = self._confidences(ballot)
        if len(ballot.counts) == 0:
            return Verdict.abstaining(ballot)
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, ballot.position]))
        sizes = _sizes(ballot.size)
        drawn = [self._labels(ballot, confidences, size, rng) for size in sizes]
        chosen = self._choose(ballot, drawn)
        labels = self._labels(ballot, confidences, sizes[chosen], rng)
        return Verdict(
            _rewards(ballot, labels),
            pseudo_label=labels[0] if len(set(labels)) == 1 else None,
        )

    def _confidences(self, ballot: Ballot) -> Floats:
        tokens = measured_tokens(ballot, self.measure, self)
        pairs = zip(tokens, ballot.texts, strict=True)
        found = np.array([step_confidence(row, text, self.steps) for row, text in pairs])
        return np.exp(found) if self.measure == "probability" else found

    def _labels(
        self, ballot: Ballot, confidences: Floats, size: int, rng: np.random.Generator
    ) -> Labels:
        """One label for each subgroup of this size; `None` where no voter has an answer."""
        number = max(1, round(self.voters * ballot.size))
        labels: list[int | None] = []
        for _ in range(ballot.size // size):
            drawn = rng.choice(ballot.size, number, replace=False)
            drawn = drawn[ballot.answered[drawn]]
            if not drawn.size:
                labels.append(None)
                continue
            voted = ballot.classes[drawn]
            scores = np.bincount(voted, confidences[drawn], len(ballot.counts))
            # Only answers that have a vote, also where confidences are as small as 0.
            scores[np.bincount(voted, minlength=len(scores)) == 0] = -math.inf
            labels.append(int(scores.argmax()))
        return tuple(labels)

    def _choose(self, ballot: Ballot, drawn: Sequence[Labels]) -> int:
        """Returns the index of the best of several divisions, the finest of equals."""
        scores = [(float(_rewards(ballot, each).mean()), float(len(set(each)))) for each in drawn]
        front = [i for i, one in enumerate(scores) if not any(_beats(two, one) for two in scores)]
        values = np.array([scores[i] for i in front])
        low, high = values.min(axis=0), values.max(axis=0)
        away = 1 - (values - low) / (high - low + _EPSILON)
        return front[int((away**2 @ [self.weight, 1 - self.weight]).argmin())]


def _rewards(ballot: Ballot, labels: Labels) -> Floats:
    """The rewards of a group whose equal parts have these labels."""
    own = np.repeat([-2 if each is None else each for each in labels], ballot.size // len(labels))
    return np.asarray(ballot.classes == own, dtype=np.float64)


def _sizes(number: int) -> list[int]:
    """The powers of two that divide a number, and itself."""
    powers = [2**i for i in range(number.bit_length()) if number % 2**i == 0]
    return sorted({*powers, number})


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] >= other[0] and one[1] >= other[1]
