"""Your own questions, from JSON, JSON Lines, CSV, TSV or Parquet, with labels or without.

- `CARD`: what a listing says of them.
- `load`: the questions of a file, and the labels that it has, sealed.
"""

from __future__ import annotations

import os
import string
from collections.abc import Mapping, Sequence
from pathlib import Path

from ttrl_benchmarks.base import ANSWER_FORMATS, AnswerFormat, Benchmark, Question, SealedLabels
from ttrl_benchmarks.card import PAPER_INSTRUCTION, BenchmarkCard
from ttrl_benchmarks.columns import (
    ANSWER,
    ID,
    LEVEL,
    OPTIONS,
    QUESTION,
    check_duplicates,
    clean_label,
    level_cell,
    optional_column,
    options_cell,
    required_column,
    text_cell,
)
from ttrl_benchmarks.entries import register_benchmark
from ttrl_benchmarks.errors import BenchmarkError, unknown_name
from ttrl_benchmarks.tables import Row, Table, read_table

__all__ = ["CARD", "load"]

CARD = BenchmarkCard(
    name="questions",
    title="Your own questions",
    env_id="TTRL-Questions-v0",
    answer_format="latex",
    licence="yours",
    made_by="your own file",
)
ROLES = {"question": QUESTION, "answer": ANSWER, "id": ID, "level": LEVEL, "options": OPTIONS}


def load(
    *,
    path: str | os.PathLike[str],
    columns: Mapping[str, str | None] | None = None,
    answer_format: AnswerFormat | None = None,
    instruction: str | None = None,
) -> Benchmark:
    """Loads questions from a file.

    Columns are found by their usual names, in any case: `question`, `problem`, `prompt`, `query`
    or `input`; `answer`, `label`, `target`, `final_answer` or `expected_answer`; `id`,
    `unique_id` or `question_id`; `level`; `options` or `choices`. Only a question is needed.

    Args:
        path: The file.
        columns: Names columns where they have other names, by role, as in
            `{"question": "Frage"}`; `None` leaves a role out, as in `{"answer": None}`.
        answer_format: How answers are extracted and compared; otherwise `"choice"` where there
            are options, and `"latex"`, which takes numbers too, where there are none.
        instruction: What is appended to each question; otherwise the paper's instruction.

    Returns:
        The questions in the order of the file, under the file's name without its suffix. Without
        an id column they are named by that and their index, from `my_file/0`.

    Raises:
        BenchmarkError: The file is missing, empty or unreadable, a column is missing, a question
            is blank or a duplicate, or a label does not fit the answer format.
    """
    table = read_table(Path(path).expanduser())
    name = table.path.stem
    found = _columns(table, columns or {})
    if answer_format is None:
        answer_format = "choice" if found["options"] is not None else CARD.answer_format
    elif answer_format not in ANSWER_FORMATS:
        raise unknown_name("answer format", answer_format, ANSWER_FORMATS)
    questions = [
        _question(table, row, found, f"{name}/{index}") for index, row in enumerate(table.rows)
    ]
    _check_ids(table, questions)
    labels: dict[str, str] = {}
    for row, question in zip(table.rows, questions, strict=True):
        label = None if found["answer"] is None else text_cell(table, row, found["answer"])
        if label is not None:
            labels[question.id] = _label(table, row, label, question.options, answer_format)
    texts = ("\n".join((q.text, *(q.options or ()))) for q in questions)
    check_duplicates(table, zip(table.rows, texts, strict=True))
    return Benchmark(
        name=name,
        questions=tuple(questions),
        labels=SealedLabels(labels),
        answer_format=answer_format,
        instruction=PAPER_INSTRUCTION if instruction is None else instruction,
    )


def _check_ids(table: Table, questions: Sequence[Question]) -> None:
    row_of_id: dict[str, Row] = {}
    for row, question in zip(table.rows, questions, strict=True):
        if question.id in row_of_id:
            raise BenchmarkError(
                f"{table.path}, {row.place}: duplicate id {question.id!r}, as in "
                f"{row_of_id[question.id].place}; make ids unique, or leave them out with "
                'columns={"id": None}.'
            )
        row_of_id[question.id] = row


def _columns(table: Table, asked: Mapping[str, str | None]) -> dict[str, str | None]:
    """Returns the column of each role, or `None` where the file has none or it is left out."""
    for role in asked:
        if role not in ROLES:
            raise unknown_name("role of a column", role, ROLES)
    if "question" in asked and asked["question"] is None:
        raise BenchmarkError("columns={'question': None}: the question cannot be left out.")
    found: dict[str, str | None] = {}
    for role, usual in ROLES.items():
        if role == "question":
            found[role] = required_column(
                table,
                role,
                usual,
                asked.get(role),
                advice=', or name it with columns={"question": ...}',
            )
        elif role in asked and asked[role] is None:
            found[role] = None
        else:
            found[role] = optional_column(table, role, usual, asked.get(role))
    return found


def _question(table: Table, row: Row, found: Mapping[str, str | None], default_id: str) -> Question:
    columns = {role: column for role, column in found.items() if column is not None}
    text = text_cell(table, row, columns["question"])
    if text is None:
        raise BenchmarkError(
            f"{table.path}, {row.place}: column {columns['question']!r} is blank; "
            "write the question or remove the row."
        )
    question_id = text_cell(table, row, columns["id"]) if "id" in columns else default_id
    if question_id is None:
        raise BenchmarkError(
            f"{table.path}, {row.place}: column {columns['id']!r} is blank; give every row an "
            'id, or leave ids out with columns={"id": None}.'
        )
    return Question(
        id=question_id,
        text=text,
        level=level_cell(table, row, columns["level"]) if "level" in columns else None,
        options=options_cell(table, row, columns["options"]) if "options" in columns else None,
    )


def _label(
    table: Table,
    row: Row,
    label: str,
    options: tuple[str, ...] | None,
    answer_format: AnswerFormat,
) -> str:
    place = f"{table.path}, {row.place}"
    if answer_format != "choice" or options is None:
        return clean_label(label, answer_format, place)
    if options.count(label) == 1:  # the option itself rather than its letter
        return string.ascii_uppercase[options.index(label)]
    letter = clean_label(label, answer_format, place)
    if string.ascii_uppercase.index(letter) >= len(options):
        raise BenchmarkError(
            f"{place}: label {letter!r} where there are {len(options)} options; correct it."
        )
    return letter


register_benchmark(CARD, load)
