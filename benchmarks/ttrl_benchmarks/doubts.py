"""What of a file of questions seems to be misread, as warnings.

- `warn_of_context`: a column that seems to belong to the questions is not shown.
- `warn_of_more_options`: columns that seem to hold options are not shown.
- `warn_of_no_labels`: no label was found, and some column seems to hold labels.
- `warn_of_labels`: labels that no answer will equal, or that are read in another way than meant.
- `warn_of_listed_options`: questions that list options in their own text.

Whatever is warned of here is used as it is: a file may well be meant so.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Collection, Sequence

from ttrl_benchmarks.base import AnswerFormat
from ttrl_benchmarks.columns import usual_name
from ttrl_benchmarks.errors import BenchmarkWarning
from ttrl_benchmarks.final_answers import is_prose
from ttrl_benchmarks.rows import Row, Table, is_blank

__all__ = [
    "warn_of_context",
    "warn_of_labels",
    "warn_of_listed_options",
    "warn_of_more_options",
    "warn_of_no_labels",
]

_CONTEXTS = ("input", "context", "passage", "article", "paragraph", "background", "story", "body")
_LABEL_WORDS = re.compile(
    r"answer|solution|label|target|gold|truth|correct|response|output|reply", re.IGNORECASE
)
_OPTION = re.compile(
    r"(?:answer|ans|ending|sol|solution|alternative|candidate|distractor|(?:incorrect|wrong)_answer)"
    r"_?(?:[a-f]|\d)"
)
_BLANKS = ("n/a", "#n/a", "nan", "null", "-", "--", "\u2013", "\u2014", "?", "??", "???", "tbd")
_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_AT_LINES = [re.compile(rf"^[ \t]*\(?{each}[).:]\s", re.MULTILINE) for each in "AB"]
_WITHIN_LINES = [re.compile(rf"(?<!\S)\(?{each}\)\s") for each in "ABC"]
_LETTER = re.compile(r"\(?([A-Za-z]|\d)[).:]?", re.ASCII)
_LEVEL = 4  # of the stack: the caller of the loader
Labels = Sequence[tuple[Row, str]]


def warn_of_context(table: Table, first: str, used: Collection[str]) -> None:
    """Warns where a column that seems to belong to the questions is not shown.

    Args:
        table: The file.
        first: The first question, as it is shown.
        used: The columns that have a role.
    """
    for column in table.columns:
        if column in used or usual_name(column) not in _CONTEXTS:
            continue
        values = (row.cells.get(column) for row in table.rows)
        text = next((each for each in values if not is_blank(each)), None)
        held = isinstance(text, str) and text.strip() in first
        if text is not None and not held:
            _warn(
                table,
                f"column {column!r} is not shown with the questions; "
                f"columns={_role('context', column)} puts it after them, and "
                'columns={"context": None} says that it is left out on purpose.',
            )


def warn_of_more_options(table: Table, used: Collection[str]) -> None:
    """Warns where several columns seem to hold options, in a file of which none were found."""
    found = [
        each for each in table.columns if each not in used and _OPTION.fullmatch(usual_name(each))
    ]
    if len(found) > 1:
        _warn(
            table,
            f"columns that may hold options are not shown: {', '.join(found)}; "
            f"columns={_role('options', found)} shows them, and "
            'columns={"options": None} says that they are none.',
        )


def warn_of_no_labels(table: Table, used: Collection[str]) -> None:
    """Warns where some column seems to hold labels, in a file of which none was found."""
    found = [each for each in table.columns if each not in used and _LABEL_WORDS.search(each)]
    if found:
        _warn(
            table,
            f"no labels were found; if they are in {' or '.join(map(repr, found[:5]))}, say "
            f"columns={_role('answer', found[0])}, and if there are none, "
            'columns={"answer": None}.',
        )


def warn_of_labels(table: Table, labels: Labels, answer_format: AnswerFormat) -> None:
    """Warns of labels that no answer will equal, or that are read in another way than meant."""
    if answer_format == "latex":
        _warn_of_some(
            table,
            labels,
            is_prose,
            "labels that are texts rather than answers",
            "No answer will equal them. End each with a line '#### ANSWER' or with "
            '\\boxed{ANSWER}, name the column of final answers with columns={"answer": ...}, or '
            'leave labels out with columns={"answer": None}.',
        )
        if table.delimiter == ";":
            _warn_of_some(
                table,
                labels,
                lambda label: _COMMA.fullmatch(label.strip()) is not None,
                "labels with a comma in a number",
                "It is read as in English: '1,234' is 1234, and '3,5' are the two numbers 3 and "
                "5. Write decimals with a point.",
            )
    if answer_format != "choice":
        _warn_of_some(
            table,
            labels,
            lambda label: label.strip().lower() in _BLANKS,
            "labels that seem to stand for none",
            "They are compared with answers like any other. Leave the cell empty where no label "
            "is known.",
        )


def warn_of_listed_options(table: Table, questions: Sequence[str], labels: Labels) -> None:
    """Warns where most questions list options in their own text, with letters or no labels."""
    listing = sum(
        _in_order(each, _AT_LINES) or _in_order(each, _WITHIN_LINES) for each in questions
    )
    lettered = sum(_LETTER.fullmatch(label.strip()) is not None for _, label in labels)
    if 2 * listing > len(questions) and 2 * lettered >= len(labels):
        _warn(
            table,
            f"questions that list options in their text: {listing} of {len(questions)}. Answers "
            "are compared as mathematics, so that 'B) two' is not 'B'; answer_format='choice' "
            "reads letters.",
        )


def _in_order(text: str, marks: Sequence[re.Pattern[str]]) -> bool:
    """Returns whether a text has one mark after another."""
    place = 0
    for mark in marks:
        found = mark.search(text, place)
        if found is None:
            return False
        place = found.end()
    return True


def _warn_of_some(
    table: Table, labels: Labels, test: Callable[[str], bool], what: str, advice: str
) -> None:
    found = [(row, label) for row, label in labels if test(label)]
    if found:
        row, label = found[0]
        _warn(
            table,
            f"{what}: {len(found)} of {len(labels)}, the first in {row.place} "
            f"({label.strip()[:60]!r}). {advice}",
            deeper=1,
        )


def _role(role: str, columns: str | Sequence[str]) -> str:
    return json.dumps({role: columns}, ensure_ascii=False)


def _warn(table: Table, text: str, *, deeper: int = 0) -> None:
    warnings.warn(f"{table.path}: {text}", BenchmarkWarning, stacklevel=_LEVEL + deeper)
