"""Your own questions, from JSON, JSON Lines, CSV, TSV or Parquet, with labels or without.

- `CARD`: what a listing says of them.
- `load`: the questions of a file, and the labels that it has, sealed.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from ttrl_benchmarks.base import ANSWER_FORMATS, AnswerFormat, Benchmark, Question, SealedLabels
from ttrl_benchmarks.card import PAPER_INSTRUCTION, BenchmarkCard
from ttrl_benchmarks.choice import (
    OPTIONS,
    ChoiceLabels,
    OptionColumns,
    Options,
    find_options,
    letters_of,
    read_options,
)
from ttrl_benchmarks.columns import (
    ANSWER,
    ID,
    LEVEL,
    QUESTION,
    clean_label,
    level_cell,
    optional_column,
    required_column,
    text_cell,
    text_of,
)
from ttrl_benchmarks.conversations import read_conversation
from ttrl_benchmarks.doubts import (
    warn_of_context,
    warn_of_labels,
    warn_of_listed_options,
    warn_of_more_options,
    warn_of_no_labels,
)
from ttrl_benchmarks.duplicates import Duplicates, check_duplicates, list_rows, repeated_rows
from ttrl_benchmarks.entries import register_benchmark
from ttrl_benchmarks.errors import BenchmarkError, BenchmarkWarning, unknown_name
from ttrl_benchmarks.final_answers import final_answer
from ttrl_benchmarks.rows import MAX_CHARACTERS, Row, Table, is_blank
from ttrl_benchmarks.tables import read_table

__all__ = ["CARD", "load"]

CARD = BenchmarkCard(
    name="questions",
    title="Your own questions",
    env_id="TTRL-Questions-v0",
    answer_format="latex",
    licence="yours",
    made_by="your own file",
)
# An Alpaca file has its question in two columns, and its answer in a third.
ALPACA, CONTEXT, REPLY = "instruction", ("input", "context"), ("output", "response", "completion")
# Looked for in this order; `input` alone is the question where there is no `instruction`.
QUESTIONS = (*QUESTION[:-1], ALPACA, QUESTION[-1], "messages", "conversations")
CHOICE_ANSWER = ("answerkey", "answer_key", "correct", "correct_answer", "answer_idx", "cop")
ROLES = {
    "question": QUESTIONS,
    "context": CONTEXT,
    "answer": (*ANSWER, *REPLY, *CHOICE_ANSWER),
    "id": ID,
    "level": LEVEL,
    "options": OPTIONS,
}
Asked = Mapping[str, str | Sequence[str] | None]


@dataclass(frozen=True, slots=True)
class _Columns:
    """The column of each role, or `None` where the file has none or it is left out."""

    question: str
    context: str | None
    answer: str | None
    id: str | None
    level: str | None
    options: OptionColumns | None

    @property
    def used(self) -> set[str]:
        """The columns that have a role."""
        names = (self.question, self.context, self.answer, self.id, self.level)
        options = () if self.options is None else self.options.names
        return {each for each in (*names, *options) if each is not None}


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row as it was read: its question, its options and its label, if it has one."""

    row: Row
    question: Question
    options: Options | None
    label: str | None


def load(
    *,
    path: str | os.PathLike[str],
    columns: Asked | None = None,
    answer_format: AnswerFormat | None = None,
    instruction: str | None = None,
    duplicates: Duplicates = "error",
    choice_labels: ChoiceLabels | None = None,
) -> Benchmark:
    r"""Loads questions from a file.

    Columns are found by their usual names, in any case (docs/benchmarks.md lists them); only a
    question is needed. A question may be text or the turns of a chat, of which one is the user's.
    Of a worked solution the final answer is read: after `####`, in the last `\boxed{}`, or after
    "The answer is".

    Args:
        path: The file.
        columns: Names columns where they have other names, by role, as in
            `{"question": "Frage"}`; `None` leaves a role out, as in `{"answer": None}`. Options may
            stand in several columns, as in `{"options": ["x", "y", "z"]}`.
        answer_format: How answers are extracted and compared; otherwise `"choice"` where there
            are options, and `"latex"`, which takes numbers too, where there are none.
        instruction: What is appended to each question; otherwise the paper's instruction.
        duplicates: What to do with a question that stands in an earlier row: raise an error that
            lists them all, `"drop"` it, or `"keep"` it.
        choice_labels: What the labels of multiple-choice questions are: `"letters"`, `"texts"`, or
            indices, `"from-0"` or `"from-1"`; otherwise what fits all rows.

    Returns:
        The questions in the order of the file, under the file's name without its suffix. Without
        an id column they are named by that and their index, from `my_file/0`.

    Raises:
        BenchmarkError: The file is missing, empty, too large or unreadable, a column is missing, a
            question is blank or a duplicate, or a label does not fit the answer format.

    Warns:
        BenchmarkWarning: Something of the file seems to be misread: a column of the questions or
            of labels that is not used, or labels that no answer will equal.
    """
    table = read_table(Path(path).expanduser())
    name = table.path.stem
    asked = columns or {}
    found = _columns(table, asked)
    chosen = answer_format is not None
    if answer_format is None:
        answer_format = "choice" if found.options is not None else CARD.answer_format
    elif answer_format not in ANSWER_FORMATS:
        raise unknown_name("answer format", answer_format, ANSWER_FORMATS)
    if duplicates not in get_args(Duplicates):
        raise unknown_name("way with duplicates", duplicates, get_args(Duplicates))
    entries = [_entry(table, row, found, f"{name}/{index}") for index, row in enumerate(table.rows)]
    _check_ids(table, entries)
    entries = _without_duplicates(table, entries, duplicates)
    _warn_of_doubts(table, entries, found, asked, listed=not chosen)
    return Benchmark(
        name=name,
        questions=tuple(entry.question for entry in entries),
        labels=SealedLabels(_labels(table, entries, answer_format, choice_labels)),
        answer_format=answer_format,
        instruction=PAPER_INSTRUCTION if instruction is None else instruction,
    )


def _check_ids(table: Table, entries: Sequence[_Entry]) -> None:
    row_of_id: dict[str, Row] = {}
    for entry in entries:
        before = row_of_id.setdefault(entry.question.id, entry.row)
        if before is not entry.row:
            raise BenchmarkError(
                f"{table.path}, {entry.row.place}: duplicate id {entry.question.id!r}, as in "
                f"{before.place}; make ids unique, or leave them out with "
                'columns={"id": None}.'
            )


def _columns(table: Table, asked: Asked) -> _Columns:
    """Finds the column of each role."""
    for role, column in asked.items():
        if role not in ROLES:
            raise unknown_name("role of a column", role, ROLES)
        if not isinstance(column, str | None) and role != "options":
            raise BenchmarkError(f"columns={{{role!r}: {column!r}}}: name one column.")

    def of(role: str) -> str | None:
        column = asked.get(role)
        if role in asked and column is None:
            return None
        return optional_column(
            table, role, ROLES[role], column if isinstance(column, str) else None
        )

    if "question" in asked and asked["question"] is None:
        raise BenchmarkError("columns={'question': None}: the question cannot be left out.")
    question = of("question") or required_column(
        table, "question", QUESTIONS, advice=', or name it with columns={"question": ...}'
    )
    alpaca = question.strip().lower() == ALPACA
    roles = {role: of(role) for role in ("answer", "id", "level")}
    context = of("context") if alpaca or "context" in asked else None
    options = None
    if asked.get("options") is not None or "options" not in asked:
        taken = [column for column in (question, context, *roles.values()) if column is not None]
        options = find_options(table, asked.get("options"), taken)
    return _Columns(question=question, context=context, options=options, **roles)


def _entry(table: Table, row: Row, found: _Columns, default_id: str) -> _Entry:
    place = f"{table.path}, {row.place}"
    cell = row.cells.get(found.question)
    talk = read_conversation(cell, place)
    text = talk.question if talk is not None else text_cell(table, row, found.question)
    if text is None or is_blank(text):
        raise BenchmarkError(
            f"{place}: column {found.question!r} is blank; write the question or remove the row."
        )
    context = None if found.context is None else text_cell(table, row, found.context)
    if context is not None:
        text = f"{text}\n\n{context}"
    if len(text) > MAX_CHARACTERS:
        raise BenchmarkError(
            f"{place}: a question of {len(text):,} characters, more than the {MAX_CHARACTERS:,} "
            "that one may have; shorten it or remove the row."
        )
    question_id = default_id if found.id is None else text_cell(table, row, found.id)
    if question_id is None:
        raise BenchmarkError(
            f"{place}: column {found.id!r} is blank; give every row an "
            'id, or leave ids out with columns={"id": None}.'
        )
    options = None if found.options is None else read_options(table, row, found.options)
    label = None if found.answer is None else _label_cell(table, row, found.answer)
    if found.answer is None and talk is not None:
        label = talk.reply
    question = Question(
        id=question_id,
        text=text,
        level=None if found.level is None else level_cell(table, row, found.level),
        options=None if options is None else options.texts,
    )
    return _Entry(row, question, options, label)


def _label_cell(table: Table, row: Row, column: str) -> str | None:
    """Returns a label as text, also from a dictionary, a list of one or the turn of a chat."""
    value = row.cells.get(column)
    if isinstance(value, dict) and "ground_truth" in value:
        value = value["ground_truth"]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict) and value.get("role") == "assistant":
        value = value.get("content")
    return None if is_blank(value) else text_of(value, f"{table.path}, {row.place}", column)


def _warn_of_doubts(
    table: Table, entries: Sequence[_Entry], found: _Columns, asked: Asked, *, listed: bool
) -> None:
    """Warns of what seems to be misread, unless the caller has said how it is meant."""
    if "context" not in asked:
        warn_of_context(table, entries[0].question.text, found.used)
    labels = [(entry.row, entry.label) for entry in entries if entry.label is not None]
    if not labels and "answer" not in asked:
        warn_of_no_labels(table, found.used)
    if "options" not in asked and found.options is None:
        warn_of_more_options(table, found.used)
    if listed and found.options is None:
        warn_of_listed_options(table, [entry.question.text for entry in entries], labels)


def _without_duplicates(
    table: Table, entries: list[_Entry], duplicates: Duplicates
) -> list[_Entry]:
    """Returns the entries, or those that no earlier one repeats."""
    if duplicates == "keep":
        return entries
    texts = [
        (entry.row, "\n".join((entry.question.text, *(entry.question.options or ()))))
        for entry in entries
    ]
    if duplicates == "error":
        check_duplicates(
            table, texts, advice="remove all but one of each, or use duplicates=drop or keep"
        )
        return entries
    repeated = repeated_rows(texts)
    label_of = {entry.row.number: entry.label for entry in entries}
    differing = [
        f"row {number} as row {before.number}"
        for number, before in repeated.items()
        if label_of[number] not in (None, label_of[before.number])
    ]
    if differing:
        warnings.warn(
            f"{table.path}: dropped duplicates with other labels than the questions that stay: "
            f"{len(differing)} ({list_rows(differing)}); one of each two is wrong.",
            BenchmarkWarning,
            stacklevel=3,
        )
    return [entry for entry in entries if entry.row.number not in repeated]


def _labels(
    table: Table,
    entries: Sequence[_Entry],
    answer_format: AnswerFormat,
    choice_labels: ChoiceLabels | None,
) -> dict[str, str]:
    """Returns the labels in the form that the answer format has, by question id."""
    labelled = [(entry, _answer(entry.label, answer_format)) for entry in entries if entry.label]
    if answer_format == "choice":
        rows = [(entry.row, label, entry.options) for entry, label in labelled]
        letters = letters_of(table, rows, choice_labels)
        return {entry.question.id: each for (entry, _), each in zip(labelled, letters, strict=True)}
    if choice_labels is not None:
        raise BenchmarkError(
            f"choice_labels={choice_labels!r} is for multiple-choice questions, and {table.path} "
            f"is read with answer_format={answer_format!r}; leave it out, or name the options."
        )
    warn_of_labels(table, [(entry.row, label) for entry, label in labelled], answer_format)
    return {
        entry.question.id: clean_label(label, answer_format, f"{table.path}, {entry.row.place}")
        for entry, label in labelled
    }


def _answer(label: str, answer_format: AnswerFormat) -> str:
    """Returns the final answer of a worked solution, and any other label as it is."""
    return label if answer_format == "text" else final_answer(label) or label


register_benchmark(CARD, load)
