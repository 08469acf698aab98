"""The votes that turned between two evaluations of the same questions.

- `turned_votes`: with labels: from wrong to right, from right to wrong, and how confident.
- `changed_votes`: without labels: how agreement and pseudo-labels changed.
- `TurnedVotes`, `ChangedVotes`, `Vote`: what they return.
- `describe_turned`, `describe_changed`: both in words, from their JSON.

A mean hides both directions: a run can gain ten points and still turn right answers into wrong
ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ttrl_agents.evaluate.evaluation import Evaluation
from ttrl_agents.evaluate.results import QuestionResult
from ttrl_benchmarks.base import AnswerFormat
from ttrl_benchmarks.printable import counted
from ttrl_env.answers import equivalent

__all__ = [
    "CONFIDENT",
    "ChangedVotes",
    "TurnedVotes",
    "Vote",
    "changed_votes",
    "describe_changed",
    "describe_turned",
    "turned_votes",
]

CONFIDENT = 0.9
"""The share of the votes from which a consensus counts as confident."""
_MOST_DIVIDED = 5

Pair = tuple[QuestionResult, QuestionResult]


@dataclass(frozen=True)
class Vote:
    """The consensus on one question, before and after.

    Attributes:
        question_id: The question.
        before: The consensus before, or `None` if nothing was answered.
        after: The consensus after.
        share_before: Its share of the votes before.
        share_after: Its share of the votes after.
    """

    question_id: str
    before: str | None
    after: str | None
    share_before: float
    share_after: float

    @property
    def confident(self) -> bool:
        """Whether the consensus after is confident."""
        return self.share_after >= CONFIDENT

    def to_dict(self) -> dict[str, Any]:
        """Returns the vote as JSON."""
        return {
            "question_id": self.question_id,
            "before": self.before,
            "after": self.after,
            "share_before": round(self.share_before, 6),
            "share_after": round(self.share_after, 6),
        }


@dataclass(frozen=True)
class TurnedVotes:
    """How the votes on labelled questions turned.

    Attributes:
        questions: Questions that both evaluations grade.
        to_right: The votes that turned from wrong to right.
        to_wrong: The votes that turned from right to wrong.
        confidently_wrong: Questions whose consensus after is wrong and confident, turned or not.
        found: Questions without any right completion before, and with one after.
        lost: Questions with a right completion before, and without any after: pass@k lost.
    """

    questions: int
    to_right: tuple[Vote, ...]
    to_wrong: tuple[Vote, ...]
    confidently_wrong: int
    found: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def confidently_to_wrong(self) -> int:
        """How many of the votes that turned from right to wrong are confident now."""
        return sum(vote.confident for vote in self.to_wrong)

    def to_dict(self) -> dict[str, Any]:
        """Returns counts and votes as JSON."""
        return {
            "questions": self.questions,
            "wrong_to_right": len(self.to_right),
            "right_to_wrong": len(self.to_wrong),
            "right_to_wrong_confidently": self.confidently_to_wrong,
            "confidently_wrong_after": self.confidently_wrong,
            "pass_lost": len(self.lost),
            "pass_gained": len(self.found),
            "votes_to_wrong": [vote.to_dict() for vote in self.to_wrong],
            "questions_pass_lost": list(self.lost),
        }


@dataclass(frozen=True)
class ChangedVotes:
    """How the votes changed, on questions without labels.

    Attributes:
        questions: Questions in both evaluations.
        agreement_before: The share of the consensus in the votes before, averaged over questions.
        agreement_after: The same after.
        changed: The votes whose consensus is another answer after.
        most_divided: The votes with the smallest share after, the smallest first.
    """

    questions: int
    agreement_before: float
    agreement_after: float
    changed: tuple[Vote, ...]
    most_divided: tuple[Vote, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns counts and votes as JSON."""
        return {
            "questions": self.questions,
            "agreement_before": round(self.agreement_before, 6),
            "agreement_after": round(self.agreement_after, 6),
            "pseudo_labels_changed": len(self.changed),
            "changed": [vote.to_dict() for vote in self.changed],
            "most_divided": [vote.to_dict() for vote in self.most_divided],
        }


def turned_votes(before: Evaluation, after: Evaluation) -> TurnedVotes:
    """Compares the votes on the questions that both evaluations grade.

    A vote is right if the consensus has the canonical key of the label.
    """
    pairs = [
        pair for pair in _pairs(before, after) if None not in (pair[0].correct, pair[1].correct)
    ]

    def turned(right_before: bool) -> tuple[Vote, ...]:
        return tuple(
            _vote(old, new)
            for old, new in pairs
            if old.majority_correct is right_before and new.majority_correct is not right_before
        )

    def passed(result: QuestionResult) -> bool:
        return any(result.correct or ())

    wrong = [new for _, new in pairs if not new.majority_correct]
    return TurnedVotes(
        questions=len(pairs),
        to_right=turned(right_before=False),
        to_wrong=turned(right_before=True),
        confidently_wrong=sum(new.majority_ratio >= CONFIDENT for new in wrong),
        found=tuple(new.question_id for old, new in pairs if passed(new) and not passed(old)),
        lost=tuple(new.question_id for old, new in pairs if passed(old) and not passed(new)),
    )


def changed_votes(
    before: Evaluation, after: Evaluation, answer_format: AnswerFormat
) -> ChangedVotes:
    """Compares the votes on all questions in both evaluations, without any label.

    Args:
        before: The votes before.
        after: The votes after.
        answer_format: How answers are compared; two are the same if their keys are.
    """
    votes = [_vote(old, new) for old, new in _pairs(before, after)]

    def same(vote: Vote) -> bool:
        if vote.before is None or vote.after is None:
            return vote.before == vote.after
        return equivalent(vote.before, vote.after, answer_format)

    count = max(1, len(votes))
    divided = [vote for vote in votes if vote.share_after < 1]
    return ChangedVotes(
        questions=len(votes),
        agreement_before=sum(vote.share_before for vote in votes) / count,
        agreement_after=sum(vote.share_after for vote in votes) / count,
        changed=tuple(vote for vote in votes if not same(vote)),
        most_divided=tuple(sorted(divided, key=lambda vote: vote.share_after)[:_MOST_DIVIDED]),
    )


def describe_turned(values: Mapping[str, Any]) -> str:
    """Returns what `TurnedVotes.to_dict` holds as a sentence or two.

    >>> votes = {"questions": 100, "wrong_to_right": 19, "right_to_wrong": 4}
    >>> votes |= {"right_to_wrong_confidently": 3, "pass_lost": 1, "pass_gained": 2}
    >>> print(describe_turned(votes))
    Of 100 votes, 19 turned from wrong to right and 4 from right to wrong, 3 of them with 90% or
    more of the votes. On 1 question the last right completion vanished, on 2 a first one appeared.
    """
    text = (
        f"Of {counted(values['questions'], 'vote')}, {values['wrong_to_right']} turned from wrong "
        f"to right and {values['right_to_wrong']} from right to wrong"
    )
    if values["right_to_wrong"]:
        sure = values["right_to_wrong_confidently"]
        text += f", {sure} of them with {CONFIDENT:.0%} or more of the votes"
    return (
        f"{text}. On {counted(values['pass_lost'], 'question')} the last right completion "
        f"vanished, on {values['pass_gained']} a first one appeared."
    )


def describe_changed(values: Mapping[str, Any]) -> str:
    """Returns what `ChangedVotes.to_dict` holds as a sentence or two.

    >>> votes = {"questions": 20, "agreement_before": 0.5, "agreement_after": 0.875}
    >>> print(describe_changed(votes | {"pseudo_labels_changed": 3}))
    The most frequent answer had 50.0% of the votes on average, now 87.5%. 3 of 20 pseudo-labels
    changed.
    """
    return (
        f"The most frequent answer had {values['agreement_before']:.1%} of the votes on average, "
        f"now {values['agreement_after']:.1%}. {values['pseudo_labels_changed']} of "
        f"{counted(values['questions'], 'pseudo-label')} changed."
    )


def _pairs(before: Evaluation, after: Evaluation) -> list[Pair]:
    old = {result.question_id: result for result in before.results}
    return [(old[new.question_id], new) for new in after.results if new.question_id in old]


def _vote(old: QuestionResult, new: QuestionResult) -> Vote:
    return Vote(
        question_id=new.question_id,
        before=old.consensus,
        after=new.consensus,
        share_before=old.majority_ratio,
        share_after=new.majority_ratio,
    )
