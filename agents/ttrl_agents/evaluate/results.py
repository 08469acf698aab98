"""The result of one question: completions, votes, and which are right.

- `QuestionResult`: the completions of a question, their votes and, where there is a label, which
  of them are right.
- `grade_question`: makes it from completions.
- `to_lines`, `from_lines`: the result as JSON, one line per completion.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from ttrl_benchmarks import Benchmark, Question
from ttrl_env.answers import Extraction, answer_key
from ttrl_env.completion import Completion
from ttrl_env.consensus import hold_vote
from ttrl_env.files import parse_json

__all__ = ["QuestionResult", "from_lines", "grade_question", "to_lines"]


@dataclass(frozen=True)
class QuestionResult:
    """The completions of one question, in the order they were sampled.

    Attributes:
        question_id: The question.
        level: Its level, if it has one.
        prompt: What the policy was shown.
        texts: The completions.
        answers: What was extracted from each, or `None`.
        spans: Where in its text each answer stands: the places of its first character and after its
            last; `None` without an answer.
        rules: The name in `ttrl_env.answers.extraction.RULES` of what found each answer, or why
            nothing did; `None` in what earlier versions wrote, which has no spans and keys either.
        keys: The canonical key of each answer; equal ones are one vote.
        votes: The answer class of each, numbered in order of first appearance; -1 for no answer.
        correct: Whether each answer's key is that of the label; `None` where there is no label.
        finished: Whether each completion ended on its own; if not, it was cut off.
        tokens: The length of each.
    """

    question_id: str
    level: int | None
    prompt: str
    texts: tuple[str, ...]
    answers: tuple[str | None, ...]
    spans: tuple[tuple[int, int] | None, ...]
    rules: tuple[str | None, ...]
    keys: tuple[str | None, ...]
    votes: tuple[int, ...]
    correct: tuple[bool, ...] | None
    finished: tuple[bool, ...]
    tokens: tuple[int, ...]

    @property
    def k(self) -> int:
        """Completions."""
        return len(self.texts)

    @property
    def consensus(self) -> str | None:
        """The most frequent answer, the first in a tie; `None` if nothing was answered."""
        return None if (first := self._first_of_majority()) is None else self.answers[first]

    @property
    def majority_ratio(self) -> float:
        """The consensus's votes over all completions."""
        first = self._first_of_majority()
        return 0.0 if first is None else self.votes.count(self.votes[first]) / self.k

    @property
    def majority_correct(self) -> bool | None:
        """Whether the consensus is the label; `None` where there is no label."""
        if self.correct is None:
            return None
        first = self._first_of_majority()
        return first is not None and self.correct[first]

    def _first_of_majority(self) -> int | None:
        """The first completion that voted for the consensus."""
        counts = np.bincount([vote for vote in self.votes if vote >= 0])
        return self.votes.index(int(counts.argmax())) if len(counts) else None


def grade_question(
    completions: Sequence[Completion], question: Question, benchmark: Benchmark
) -> QuestionResult:
    """Counts the votes of a question's completions and compares them with its label."""
    ballot = hold_vote(completions, question, benchmark)
    label = benchmark.labels.reveal(question.id)
    correct = None
    if label is not None:
        truth = answer_key(label, benchmark.answer_format)
        right = ballot.keys.index(truth) if truth in ballot.keys else None
        correct = tuple(vote == right for vote in ballot.classes.tolist())
    return QuestionResult(
        question_id=question.id,
        level=question.level,
        prompt=benchmark.prompt(question),
        texts=tuple(map(str, completions)),
        answers=ballot.answers,
        spans=tuple(map(_span, ballot.extractions)),
        rules=tuple(each.rule for each in ballot.extractions),
        keys=tuple(None if vote < 0 else str(ballot.keys[vote]) for vote in ballot.classes),
        votes=tuple(ballot.classes.tolist()),
        correct=correct,
        finished=tuple(ballot.finished.tolist()),
        tokens=tuple(ballot.lengths.tolist()),
    )


def to_lines(result: QuestionResult) -> str:
    """Returns one line of JSON for each completion."""
    lines = (
        {
            "question_id": result.question_id,
            "member": member,
            "level": result.level,
            "prompt": result.prompt,
            "text": result.texts[member],
            "answer": result.answers[member],
            "span": result.spans[member],
            "rule": result.rules[member],
            "key": result.keys[member],
            "vote": result.votes[member],
            "correct": None if result.correct is None else result.correct[member],
            "finished": result.finished[member],
            "tokens": result.tokens[member],
        }
        for member in range(result.k)
    )
    # ASCII: a completion may hold anything, lone surrogates and line separators included.
    return "".join(json.dumps(line) + "\n" for line in lines)


def from_lines(lines: Iterable[str]) -> Iterator[QuestionResult]:
    """Returns the questions of lines that `to_lines` wrote, in their order.

    Raises:
        ValueError: A line is not one of these.
    """
    rows = (_row(number, line) for number, line in enumerate(lines, 1))
    for question_id, members in groupby(rows, key=lambda row: row["question_id"]):
        group = list(members)
        graded = [row["correct"] for row in group]
        yield QuestionResult(
            question_id=question_id,
            level=group[0]["level"],
            prompt=group[0]["prompt"],
            texts=tuple(row["text"] for row in group),
            answers=tuple(row["answer"] for row in group),
            spans=tuple(_pair(row.get("span")) for row in group),
            rules=tuple(row.get("rule") for row in group),
            keys=tuple(row.get("key") for row in group),
            votes=tuple(row["vote"] for row in group),
            correct=None if None in graded else tuple(graded),
            finished=tuple(row["finished"] for row in group),
            tokens=tuple(row["tokens"] for row in group),
        )


_NONE = type(None)
_KINDS: dict[str, tuple[type, ...]] = {
    "question_id": (str,),
    "level": (int, _NONE),
    "prompt": (str,),
    "text": (str,),
    "answer": (str, _NONE),
    "vote": (int,),
    "correct": (bool, _NONE),
    "finished": (bool,),
    "tokens": (int,),
}


def _row(number: int, line: str) -> dict[str, Any]:
    row = parse_json(line)
    if not isinstance(row, dict) or not row.keys() >= _KINDS.keys():
        raise ValueError(f"line {number} is not a completion of an evaluation")
    for name, kinds in _KINDS.items():
        if type(row[name]) not in kinds:
            raise ValueError(f"line {number} has a {name} that is none: {str(row[name])[:40]!r}")
    return row


def _span(found: Extraction) -> tuple[int, int] | None:
    return None if found.answer is None else (found.start, found.stop)


def _pair(span: Any) -> tuple[int, int] | None:
    if span is None:
        return None
    if not (isinstance(span, list) and [type(each) for each in span] == [int, int]):
        raise ValueError(f"{span!r} is not the span of an answer")
    return span[0], span[1]
