"""The options of multiple-choice rows, and which of them a label means.

- `OptionColumns`, `find_options`: the columns that hold options.
- `Options`, `read_options`: the options of a row.
- `ChoiceLabels`, `letters_of`: the labels of a file as letters.

Options stand in one column, `options` or `choices`, or in a column for each: `A`, `B`, ...;
`option_a`, `option1` and the like. Labels are letters, texts of options, or indices. Which of these
a file means is decided by all of its rows together: where more than one reading fits every row and
they name different options, none is guessed.
"""

from __future__ import annotations

import itertools
import json
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ttrl_benchmarks.columns import normalized_text, text_of
from ttrl_benchmarks.errors import BenchmarkError, unknown_name
from ttrl_benchmarks.rows import Row, Table, is_blank

__all__ = [
    "OPTIONS",
    "ChoiceLabels",
    "OptionColumns",
    "Options",
    "find_options",
    "letters_of",
    "read_options",
]

ChoiceLabels = Literal["letters", "texts", "from-0", "from-1"]
OPTIONS = ("options", "choices")
_LETTERS = string.ascii_uppercase
# How files name a column for each option, in small letters.
_COLUMNS = (
    r"([a-z])",
    r"(?:option|choice)[ _-]?([a-z])",
    r"op([a-z])",
    r"(?:option|choice)[ _-]?(\d)",
)
# "B", "(b)", "[B]", "B) two", "Option B"; the letter, and what follows it.
_BEFORE = r"(?:(?:option|choice|answer)(?:\s*[:_-]\s*|\s+))?"
_LABEL = re.compile(
    _BEFORE + r"[(\[]?([A-Za-z])(?:[)\].:]\s*(.*))?", re.ASCII | re.DOTALL | re.IGNORECASE
)
_INDEX = re.compile(r"(\d{1,3})(?:\.0)?", re.ASCII)  # a data frame makes 1 with gaps into 1.0
_NAME_KEYS, _TEXT_KEYS = ("label", "key", "letter"), ("text", "content", "value")


@dataclass(frozen=True, slots=True)
class OptionColumns:
    """The columns that hold options: one of arrays, or one for each option.

    Attributes:
        names: The column, or the columns in the order of their letters.
        whole: Whether it is one column of arrays.
    """

    names: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a row.

    Attributes:
        texts: The options.
        names: What the file calls each, which labels may use: mostly letters.
    """

    texts: tuple[str, ...]
    names: tuple[str, ...]


def find_options(
    table: Table, asked: str | Sequence[str] | None, taken: Sequence[str]
) -> OptionColumns | None:
    """Finds the columns that hold options, or returns `None` where there are none.

    Args:
        table: Where to look.
        asked: The column or the columns that the caller names.
        taken: Columns that play another role.

    Raises:
        BenchmarkError: A column asked for is missing.
    """
    if asked is not None:
        names = (asked,) if isinstance(asked, str) else tuple(asked)
        for name in names:
            if name not in table.columns:
                raise BenchmarkError(
                    f"{table.path}: {unknown_name('options column', name, table.columns)}"
                )
        return OptionColumns(names, isinstance(asked, str))
    free = [column for column in table.columns if column not in taken]
    by_lowered = {column.strip().lower(): column for column in reversed(free)}
    for name in OPTIONS:
        if name in by_lowered:
            return OptionColumns((by_lowered[name],), whole=True)
    for pattern in map(re.compile, _COLUMNS):
        matches = {column: pattern.fullmatch(lowered) for lowered, column in by_lowered.items()}
        placed = {match[1]: column for column, match in matches.items() if match is not None}
        for numbered in (_LETTERS.lower(), "0123456789", "123456789"):
            run = list(itertools.takewhile(placed.__contains__, numbered))
            if len(run) >= 2:
                return OptionColumns(tuple(placed[each] for each in run), whole=False)
    return None


def read_options(table: Table, row: Row, found: OptionColumns) -> Options | None:
    """Returns the options of a row, or `None` where it has none.

    Raises:
        BenchmarkError: They cannot be read, or are fewer than 2 or more than 26.
    """
    place = f"{table.path}, {row.place}"
    column = found.names[0]
    if not found.whole:
        value: object = [row.cells.get(name) for name in found.names]
        column = ", ".join(found.names)
    else:
        value = row.cells.get(column)
        if isinstance(value, str) and value.strip():
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                value = False
    names, values = _named(value)
    if not found.whole:
        names = [name.strip() for name in found.names]
    while values and is_blank(values[-1]):
        names, values = names[:-1], values[:-1]
    if not values and (is_blank(value) or not found.whole):
        return None
    if not 2 <= len(values) <= len(_LETTERS) or any(
        is_blank(each) or isinstance(each, bool) or not isinstance(each, str | int | float)
        for each in values
    ):
        raise BenchmarkError(
            f"{place}: column {column!r} is not an array of 2 to {len(_LETTERS)} texts or numbers; "
            + (
                'correct it; in a cell of text it is JSON, as in ["one", "two"].'
                if found.whole
                else "correct it."
            )
        )
    texts = [text_of(each, place, column).strip() for each in values]
    return Options(_without_letters(texts), tuple(names) or tuple(_LETTERS[: len(texts)]))


def letters_of(
    table: Table, labels: Sequence[tuple[Row, str, Options | None]], asked: ChoiceLabels | None
) -> list[str]:
    """Returns the labels of a file as the letters of options.

    Args:
        table: Where they are from.
        labels: Each labelled row with its label and its options; a row without options has a
            letter for a label.
        asked: What the labels are; otherwise whatever fits every row.

    Raises:
        BenchmarkError: A label names no option, or it is not clear which.
    """
    if asked is not None and asked not in get_args(ChoiceLabels):
        raise unknown_name("kind of choice labels", asked, get_args(ChoiceLabels))
    kinds = ["named", "from-0", "from-1"] if asked is None else [asked]
    readings = {
        kind: [_place(table, row, label, options, kind) for row, label, options in labels]
        for kind in kinds
    }
    fitting = {kind: places for kind, places in readings.items() if None not in places}
    if not fitting:
        raise _unfitting(table, labels, readings[kinds[0]])
    if "named" in fitting and all(_is_named(label, options) for _, label, options in labels):
        fitting = {"named": fitting["named"]}  # the file numbers its options itself
    first, *others = fitting.items()
    for kind, places in others:
        for (row, label, options), one, other in zip(labels, first[1], places, strict=True):
            if one != other:
                raise _unclear(table, row, label, options, {first[0]: one, kind: other})
    return [_LETTERS[place] for place in first[1] if place is not None]


def _named(value: object) -> tuple[list[str], list[object]]:
    """Returns the names and the values of options, however they are written; names may be none."""
    if isinstance(value, dict):
        lowered = {str(key).lower(): each for key, each in value.items()}
        names = next((lowered[key] for key in _NAME_KEYS if key in lowered), None)
        texts = next((lowered[key] for key in _TEXT_KEYS if key in lowered), None)
        if isinstance(names, list) and isinstance(texts, list) and len(names) == len(texts):
            return list(map(str, names)), texts  # as in ARC
        return [str(key) for key in value], list(value.values())
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        pairs = [
            (
                next((each[key] for key in _NAME_KEYS if key in each), None),
                next((each[key] for key in _TEXT_KEYS if key in each), None),
            )
            for each in value
        ]
        named = all(name is not None for name, _ in pairs)
        return [str(name) for name, _ in pairs] if named else [], [text for _, text in pairs]
    return [], list(value) if isinstance(value, list) else []


def _without_letters(texts: Sequence[str]) -> tuple[str, ...]:
    """Returns options without the letters that a file has put before each, as in "A) one"."""
    bare = []
    for letter, text in zip(_LETTERS, texts, strict=False):
        match = re.match(rf"\(?{letter}[).:]\s*(?=\S)", text)
        if match is None:
            return tuple(texts)
        bare.append(text[match.end() :])
    return tuple(bare)


def _place(table: Table, row: Row, label: str, options: Options | None, kind: str) -> int | None:
    """Returns the place of the option that a label means, read as a kind of label."""
    label = label.strip()
    if options is None:
        match = _LABEL.fullmatch(label) if kind in ("named", "letters") else None
        return None if match is None or match[2] else _LETTERS.index(match[1].upper())
    if kind in ("from-0", "from-1"):
        index = _INDEX.fullmatch(label)
        place = int(index[1]) - int(kind[-1]) if index is not None else -1
        return place if 0 <= place < len(options.texts) else None
    by_text = _place_of_text(label, options) if kind != "letters" else None
    by_name = _place_of_name(label, options) if kind != "texts" else None
    if None not in (by_text, by_name) and by_text != by_name:
        raise _unclear(table, row, label, options, {"letters": by_name, "texts": by_text})
    return by_name if by_text is None else by_text


def _place_of_text(label: str, options: Options) -> int | None:
    wanted = normalized_text(label)
    places = [n for n, text in enumerate(options.texts) if normalized_text(text) == wanted]
    return places[0] if len(places) == 1 else None


def _is_named(label: str, options: Options | None) -> bool:
    """Returns whether a label is what the file itself calls an option."""
    return options is not None and label.strip() in options.names


def _place_of_name(label: str, options: Options) -> int | None:
    if label in options.names:
        return options.names.index(label)
    match = _LABEL.fullmatch(label)
    if match is None:
        return None
    place = _LETTERS.index(match[1].upper())
    if place >= len(options.texts):
        return None
    # "B) two" names the option twice, and has to mean the same by both.
    return place if not match[2] or _place_of_text(match[2], options) == place else None


def _unclear(
    table: Table, row: Row, label: str, options: Options | None, readings: Mapping[str, int | None]
) -> BenchmarkError:
    texts = () if options is None else options.texts
    words = {
        "named": "the letter or the text of an option",
        "letters": "a letter",
        "texts": "the text of an option",
        "from-0": "an index from 0",
        "from-1": "an index from 1",
    }
    meant = " or ".join(
        f"{words[kind]} ({texts[place][:40]!r})"
        for kind, place in readings.items()
        if place is not None
    )
    names = ", ".join(get_args(ChoiceLabels))
    return BenchmarkError(
        f"{table.path}, {row.place}: label {label[:40]!r} may be {meant}, and no other row tells "
        f"which; say it with choice_labels= ({names})."
    )


def _unfitting(
    table: Table, labels: Sequence[tuple[Row, str, Options | None]], places: Sequence[int | None]
) -> BenchmarkError:
    row, label, options = labels[places.index(None)]
    place = f"{table.path}, {row.place}"
    count = 26 if options is None else len(options.texts)
    match = _LABEL.fullmatch(label.strip())
    if match is not None and not match[2]:
        return BenchmarkError(
            f"{place}: label {match[1].upper()!r} where there are {count} options; correct it."
        )
    return BenchmarkError(
        f"{place}: label {label[:40]!r} is not the letter of an option, nor its text or index; "
        "correct it, use answer_format='text', or leave options out with "
        'columns={"options": None}.'
    )
