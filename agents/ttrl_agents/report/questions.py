"""The questions of a report with their completions, whole or shortened.

- `Views`: the evaluations that are shown side by side.
- `views_of`: those of one or two subjects.
- `Shortening`: which texts are shortened, and how far; `SHORTENINGS`: the ones to try in turn.
- `pack_questions`: the questions as data of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ttrl_agents.evaluate.results import QuestionResult
from ttrl_agents.evaluate.setting import SPLITS
from ttrl_agents.report.subject import Measured, Subject
from ttrl_agents.report.verdict import SPLIT_WORDS

__all__ = [
    "SHORTENINGS",
    "Column",
    "Shortening",
    "View",
    "pack_questions",
    "split_text",
    "views_of",
]

Segment = str | int | list[str]
"""A piece of a text: text, how many characters are left out, or `[answer]`, which is marked."""

_AROUND_ANSWER = 120
_LONGEST_MARK = 400


@dataclass(frozen=True)
class Column:
    """One of the evaluations of a view.

    Attributes:
        title: What stands above it.
        subject: Whose it is, 0 or 1.
        measured: The evaluation.
    """

    title: str
    subject: int
    measured: Measured


@dataclass(frozen=True)
class View:
    """Evaluations of the same questions, side by side; the last one is looked at.

    Attributes:
        title: What is shown.
        columns: One evaluation, or two that are compared.
    """

    title: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Shortening:
    """How far texts are shortened so that a report stays small.

    Attributes:
        kept: How many characters at the beginning and at the end stay, and some around the answer;
            `None` keeps all.
        all_questions: Whether also those texts are shortened whose question turned or disagrees.
        said: What the report says of it.
    """

    kept: int | None = None
    all_questions: bool = False
    said: str = ""


def _said(kept: int, *, everywhere: bool) -> str:
    which = (
        "All completions are shortened"
        if everywhere
        else "Completions of questions whose vote neither turned nor is divided are shortened"
    )
    how = f"to {kept:,} characters at each end and the answer" if kept else "to their answer"
    return f"{which} {how}, so that this file stays small; completions.jsonl has all."


SHORTENINGS = (
    Shortening(),
    *(Shortening(kept, False, _said(kept, everywhere=False)) for kept in (1200, 400, 100, 0)),
    *(Shortening(kept, True, _said(kept, everywhere=True)) for kept in (1200, 400, 100, 0)),
)


def views_of(subjects: Sequence[Subject]) -> list[View]:
    """Returns what there is to see side by side, the most telling first.

    Of two subjects, the evaluations of the same questions and setting at their ends; of each run,
    before beside after; of an evaluation alone, itself.
    """
    views = []
    if len(subjects) == 2:
        views = list(_across(*subjects))
    paired = {id(column.measured) for view in views for column in view.columns}
    for who, subject in enumerate(subjects):
        prefix = f"{'AB'[who]}: " if len(subjects) > 1 else ""
        for setting in subject.settings:
            for split in ("", *SPLITS):
                moments = ("",) if split == "" else ("before", "after")
                columns = tuple(
                    Column(moment.capitalize() or "Completions", who, measured)
                    for moment in moments
                    if (measured := subject.find(moment, split, setting)) is not None
                )
                alone = len(columns) == 1 and id(columns[0].measured) in paired
                if columns and not alone:
                    words = SPLIT_WORDS[split].capitalize()
                    views.append(View(f"{prefix}{words}, {setting.title}", columns))
    return views


def _across(a: Subject, b: Subject) -> list[View]:
    """Returns the views of what two subjects measured alike at their ends."""
    views = []
    for one in a.measured:
        for other in b.measured:
            if one.moment == "before" or other.moment == "before":
                continue
            same_split = one.split == other.split or "" in (one.split, other.split)
            same = one.config["benchmark"] == other.config["benchmark"] and same_split
            if same and one.setting == other.setting:
                words = SPLIT_WORDS[one.split or other.split].capitalize()
                title = f"A and B: {words.lower()}, {one.setting.title}"
                columns = (Column(f"A: {a.name}", 0, one), Column(f"B: {b.name}", 1, other))
                views.append(View(title, columns))
    return views


def pack_questions(views: Sequence[View], shortening: Shortening) -> dict[str, Any]:
    """Returns the questions as data of the page; an evaluation in two views is there once.

    Args:
        views: What is shown side by side.
        shortening: Which texts are shortened.
    """
    whole = set() if shortening.all_questions else _telling(views)
    evaluations: dict[str, Any] = {}
    for view in views:
        for column in view.columns:
            measured = column.measured
            evaluations[_key(column)] = {
                "k": measured.evaluation.k,
                "setting": measured.setting.title,
                "questions": {
                    result.question_id: _pack(
                        result, None if result.question_id in whole else shortening.kept
                    )
                    for result in measured.evaluation.results
                },
            }
    return {
        "evaluations": evaluations,
        "views": [
            {
                "title": view.title,
                "columns": [
                    {"title": column.title, "evaluation": _key(column)} for column in view.columns
                ],
            }
            for view in views
        ],
        "shortened": shortening.said,
    }


def _key(column: Column) -> str:
    return f"{'AB'[column.subject]}/{column.measured.id}"


def _telling(views: Sequence[View]) -> set[str]:
    """The questions whose votes turned, differ or are divided."""
    telling = set()
    for view in views:
        sides = [
            {result.question_id: result for result in column.measured.evaluation.results}
            for column in view.columns
        ]
        for question, last in sides[-1].items():
            first = sides[0].get(question, last)
            turned = first.majority_correct is not last.majority_correct
            changed = _winner(first) != _winner(last)
            if turned or changed or last.majority_ratio < 0.5:
                telling.add(question)
    return telling


def _winner(result: QuestionResult) -> str | None:
    """The key of the consensus, or its text where an earlier version wrote no key."""
    if result.consensus is None:
        return None
    return result.keys[result.answers.index(result.consensus)] or result.consensus


def _pack(result: QuestionResult, kept: int | None) -> dict[str, Any]:
    winner = None if result.consensus is None else result.answers.index(result.consensus)
    return {
        "prompt": result.prompt,
        "level": result.level,
        "winner": None if winner is None else result.votes[winner],
        "share": round(result.majority_ratio, 4),
        "right": result.majority_correct,
        "texts": [
            split_text(text, span, kept)
            for text, span in zip(result.texts, result.spans, strict=True)
        ],
        "answers": list(result.answers),
        "keys": list(result.keys),
        "rules": list(result.rules),
        "votes": list(result.votes),
        "correct": None if result.correct is None else list(map(int, result.correct)),
        "finished": list(map(int, result.finished)),
        "tokens": list(result.tokens),
    }


def split_text(text: str, span: tuple[int, int] | None, kept: int | None) -> list[Segment]:
    """Returns a completion in segments, its answer marked.

    Args:
        text: The completion.
        span: Where its answer is, if it has one.
        kept: How many characters at the beginning and at the end to keep; `None` keeps all.

    >>> split_text("So it is 42, I think.", (9, 11), None)
    ['So it is ', ['42'], ', I think.']
    >>> split_text("a" * 500 + "42" + "b" * 500, (500, 502), 3)[:2]
    ['aaa', 377]
    """
    size = len(text)
    start, stop = (0, 0) if span is None else (min(span[0], size), min(span[1], size))
    keep = [(0, size)]
    if kept is not None:
        around = (max(0, start - _AROUND_ANSWER), min(stop, start + _LONGEST_MARK) + _AROUND_ANSWER)
        keep = [(0, kept), around if span else (0, 0), (max(0, size - kept), size)]
    segments: list[Segment] = []
    place = 0
    for low, high in keep:
        low, high = max(low, place), min(high, size)
        if low >= high:
            continue
        if low > place:
            segments.append(low - place)
        for begin, end, marked in (
            (low, min(high, start), False),
            (max(low, start), min(high, stop), True),
            (max(low, stop), high, False),
        ):
            if begin < end:
                segments.append([text[begin:end]] if marked else text[begin:end])
        place = high
    if place < size:
        segments.append(size - place)
    return segments
