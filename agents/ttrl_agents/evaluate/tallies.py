"""Tallies of votes: how a question was answered, and how that changed over a run.

- `Tally`: the answers of one group with their votes, the most frequent first.
- `Course`: the tallies of a question, visit by visit.
- `courses_of_run`, `courses_of_evaluation`: the courses of all questions.
- `turned`, `agreed_on_wrong`, `divided`: the questions that are worth a look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ttrl_agents.evaluate.results import QuestionResult
from ttrl_agents.run.votes import GroupVotes

__all__ = [
    "Course",
    "Tally",
    "agreed_on_wrong",
    "courses_of_evaluation",
    "courses_of_run",
    "divided",
    "turned",
]

_FROM_TO = ("right to wrong", "wrong to wrong", "unknown", "wrong to right")


@dataclass(frozen=True)
class Tally:
    """The answers of one group.

    Attributes:
        answers: Each answer with its votes, the most frequent first.
        absent: Completions without an answer.
        elected: What identifies the answer that was elected; `None` where none was.
        right: Whether that is the label; `None` where it is not known.
        step: The training step of the visit; `None` in an evaluation.
    """

    answers: tuple[tuple[str, int], ...]
    absent: int
    elected: str | None
    right: bool | None
    step: int | None = None

    @property
    def share(self) -> float:
        """The share of all completions that gave the most frequent answer."""
        votes = sum(count for _, count in self.answers) + self.absent
        return self.answers[0][1] / votes if self.answers else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Returns the tally as JSON."""
        return {
            "step": self.step,
            "answers": [{"answer": answer, "votes": count} for answer, count in self.answers],
            "absent": self.absent,
            "share": round(self.share, 6),
            "right": self.right,
        }


@dataclass(frozen=True)
class Course:
    """The tallies of a question, visit by visit.

    Attributes:
        question_id: The question.
        tallies: At least one.
    """

    question_id: str
    tallies: tuple[Tally, ...]

    @property
    def first(self) -> Tally:
        """The tally of the first visit."""
        return self.tallies[0]

    @property
    def last(self) -> Tally:
        """The tally of the last visit."""
        return self.tallies[-1]

    @property
    def turn(self) -> str:
        """From what to what the first and the last visit differ, one of four words."""
        words = {True: "right", False: "wrong"}
        if self.first.right is None or self.last.right is None:
            return "unknown"
        return f"{words[self.first.right]} to {words[self.last.right]}"

    def to_dict(self) -> dict[str, Any]:
        """Returns the first and the last tally as JSON."""
        return {
            "question_id": self.question_id,
            "visits": len(self.tallies),
            "turn": self.turn,
            "first": self.first.to_dict(),
            "last": self.last.to_dict(),
        }


def courses_of_run(groups: Iterable[GroupVotes]) -> list[Course]:
    """Returns the course of each question of a run, in the order of their first visits."""
    tallies: dict[str, list[Tally]] = {}
    for group in groups:
        tallies.setdefault(group.question_id, []).append(_tally_of_group(group))
    return [Course(question_id, tuple(each)) for question_id, each in tallies.items()]


def courses_of_evaluation(results: Iterable[QuestionResult]) -> list[Course]:
    """Returns the course of each question of an evaluation, which visits it once."""
    return [Course(result.question_id, (_tally_of_result(result),)) for result in results]


def turned(courses: Sequence[Course]) -> list[Course]:
    """Returns the questions whose last visit elects another answer, those turned wrong first."""
    found = [each for each in courses if each.first.elected != each.last.elected]
    return sorted(found, key=lambda each: (_FROM_TO.index(each.turn), -each.last.share))


def agreed_on_wrong(courses: Sequence[Course], share: float = 0.5) -> list[Course]:
    """Returns the questions that end with this share or more for a wrong answer, highest first."""
    found = [each for each in courses if each.last.right is False and each.last.share >= share]
    return sorted(found, key=lambda each: -each.last.share)


def divided(courses: Sequence[Course]) -> list[Course]:
    """Returns the questions by the share of the most frequent answer at the end, lowest first."""
    return sorted(courses, key=lambda each: each.last.share)


def _tally_of_group(group: GroupVotes) -> Tally:
    elected = group.majority if group.pseudo_label is None else group.pseudo_label
    graded = group.label_accuracy is not None and group.pseudo_label is not None
    return Tally(
        _sorted([(each.answer, each.count) for each in group.answers]),
        group.absent,
        None if elected is None else group.answers[elected].key,
        bool(group.label_accuracy) if graded else None,
        group.step,
    )


def _tally_of_result(result: QuestionResult) -> Tally:
    votes = [vote for vote in result.votes if vote >= 0]
    answers = [
        (result.answers[result.votes.index(each)] or "", votes.count(each))
        for each in dict.fromkeys(votes)
    ]
    return Tally(
        _sorted(answers),
        result.k - len(votes),
        result.consensus,
        result.majority_correct if votes else None,
    )


def _sorted(answers: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Returns answers by their votes; of equally many the one that appeared first."""
    return tuple(sorted(answers, key=lambda each: -each[1]))
