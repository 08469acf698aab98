r"""Votes that weigh more where a verifier agrees.

- `VerifierWeighted`: the reward.
- `Verifier`: anything that scores an answer.
- `EquationVerifier`: recomputes the sums that a completion states; a tool, and no label.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from ttrl_benchmarks import Question
from ttrl_env.consensus.ballot import Ballot
from ttrl_env.consensus.cards import reward
from ttrl_env.consensus.rewards.common import check_number, class_sums, elect
from ttrl_env.consensus.verdict import Verdict

__all__ = ["EquationVerifier", "Verifier", "VerifierWeighted"]


class Verifier(Protocol):
    """Scores an answer by some evidence other than labels. A function will do."""

    def __call__(self, question: Question, answer: str, completion: str) -> float:
        """Returns a score from 0 (no evidence for the answer) to 1 (verified)."""
        ...


class EquationVerifier:
    r"""Verifies that every equation in a completion holds, and that there is one.

    It reads `a + b = c` with whole numbers and one of + - − * × x ÷ / between, and recomputes it;
    division has to come out even. Nothing is executed, and what is read is bounded: numbers of at
    most 18 digits, completions of at most `max_length` characters; beyond, nothing is verified.

    Args:
        max_length: The longest completion that is read, in characters.

    >>> check = EquationVerifier()
    >>> question = Question("q", "What is 3 times 6, plus 2?")
    >>> check(question, "20", "3 × 6 = 18\n18 + 2 = 20"), check(question, "21", "3 × 6 = 19")
    (1.0, 0.0)
    """

    _EQUATION = re.compile(
        r"(?<![\d.,])(-?\d{1,18})\s?([-+−*×x÷/])\s?(-?\d{1,18})\s?=\s?(-?\d{1,18})(?![\d,]*\d|\.\d)"
    )

    def __init__(self, max_length: int = 100_000) -> None:
        check_number("max_length", max_length, 1, whole=True)
        self.max_length = max_length

    def __call__(self, question: Question, answer: str, completion: str) -> float:  # noqa: ARG002
        """Returns 1 if all equations hold, else 0."""
        if len(completion) > self.max_length:
            return 0.0
        stated = self._EQUATION.findall(completion)
        return float(bool(stated) and all(_holds(*each) for each in stated))

    def __repr__(self) -> str:
        return f"EquationVerifier(max_length={self.max_length})"


def _holds(left: str, sign: str, right: str, result: str) -> bool:
    a, b, c = int(left), int(right), int(result)
    if sign == "+":
        return a + b == c
    if sign in "-−":
        return a - b == c
    if sign in "*×x":
        return a * b == c
    return b != 0 and a == b * c


@reward(
    "verified",
    summary="agreement with the vote, verified completions weighing more",
    paper="2603.02203",
    kind="second opinion",
)
@dataclass(frozen=True)
class VerifierWeighted:
    """Rewards agreement with the vote in which verified completions weigh more.

    A completion with verifier score s in [0, 1] weighs 1 + (weight - 1) s; y* is the answer with
    the most weight, r_i = 1[a_i = y*]. Of equal weights, the answer that appeared first wins.

    Source: T³RL, arXiv 2603.02203; known to us second-hand (a verifier writes and runs code, and
    a verified rollout weighs 5). Which verifier is yours to say.

    When not to use it: with a verifier that likes wrong answers; a large `weight` makes its word
    law, and the policy learns to please it.

    Args:
        verifier: Scores each completion that has an answer.
        weight: What a verified vote counts; 1 is the plain majority.
    """

    needs_verifier: ClassVar[bool] = True

    verifier: Verifier = field(default_factory=EquationVerifier)
    weight: float = 5.0

    def __post_init__(self) -> None:
        check_number("weight", self.weight, 1)
        if not callable(self.verifier):
            raise ValueError(
                "verifier must be callable (question, answer, completion) -> score, "
                f"not {self.verifier!r}"
            )

    def __call__(self, ballot: Ballot) -> Verdict:
        """Rewards one group."""
        if len(ballot.counts) == 0:
            return Verdict.abstaining(ballot)
        weights = np.zeros(ballot.size)
        for i, (answer, text) in enumerate(zip(ballot.answers, ballot.texts, strict=True)):
            if answer is not None:
                weights[i] = 1 + (self.weight - 1) * self._score(ballot.question, answer, text)
        winner = elect(class_sums(ballot, weights))
        return Verdict(ballot.agreement(winner), pseudo_label=winner)

    def _score(self, question: Question, answer: str, text: str) -> float:
        score = float(self.verifier(question, answer, text))
        if not (math.isfinite(score) and 0 <= score <= 1):
            raise ValueError(
                f"{self.verifier!r} must score an answer from 0 to 1, not {score} (answer "
                f"{answer[:80]!r} to question {question.id!r})"
            )
        return score
