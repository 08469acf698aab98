"""What seems to be misread in a file of questions is warned of, and used as it is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ttrl_benchmarks import BenchmarkWarning, load_benchmark

LISTING = "Which is even?\nA) one\nB) two\nC) three"


def silent(path: Path, **options: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_benchmark("questions", path=path, **options)


@pytest.mark.parametrize("column", ["context", "Passage", "input", "Body", "article"])
def test_a_text_beside_the_question_is_not_left_out_in_silence(
    column: str, write_rows: Callable[..., Path]
) -> None:
    path = write_rows("rows.json", [{"question": "How many?", column: "Jo has 3.", "answer": 3}])
    with pytest.warns(
        BenchmarkWarning, match=rf"'{column}' is not shown .*\"context\": \"{column}"
    ):
        assert load_benchmark("questions", path=path).questions[0].text == "How many?"
    silent(path, columns={"context": None})
    silent(path, columns={"context": column})


def test_a_text_that_the_question_holds_already_is_not_missed(
    write_rows: Callable[..., Path],
) -> None:
    silent(write_rows("held.json", [{"prompt": "Jo has 3. How many?", "input": " Jo has 3. "}]))
    silent(write_rows("blank.json", [{"question": "How many?", "context": ""}]))


@pytest.mark.parametrize("column", ["answers", "Gold", "the right solution", "Musterlabel"])
def test_a_column_that_may_hold_the_labels_is_named_where_there_are_none(
    column: str, write_rows: Callable[..., Path]
) -> None:
    rows = [{"question": "1 + 1?", column: "2", "source": "school"}]
    path = write_rows("rows.json", rows)
    with pytest.warns(BenchmarkWarning, match=rf"no labels were found; .* '{column}', say"):
        load_benchmark("questions", path=path)
    silent(path, columns={"answer": None})
    silent(path, columns={"answer": column})
    silent(write_rows("beside.json", [{**rows[0], "answer": "2"}]))
    silent(write_rows("without.json", [{"question": "1 + 1?", "source": "school"}]))


@pytest.mark.parametrize("label", ["N/A", "-", "?", "#N/A", " null "])
def test_a_label_that_stands_for_none_is_warned_of(
    label: str, write_rows: Callable[..., Path]
) -> None:
    path = write_rows("rows.json", [{"question": f"{n}?", "answer": x} for n, x in [(1, "1")]])
    silent(path)
    rows = [{"question": "1?", "answer": "1"}, {"question": "2?", "answer": label}]
    path = write_rows("blanks.json", rows)
    for answer_format in ("latex", "text"):
        with pytest.warns(BenchmarkWarning, match=r"stand for none: 1 of 2, the first in row 2"):
            benchmark = load_benchmark("questions", path=path, answer_format=answer_format)
        assert benchmark.labels.reveal("blanks/1") == label.strip()


def test_decimal_commas_are_warned_of_where_a_spreadsheet_may_have_written_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "halves.csv"
    path.write_text("question;answer\nHalf of 7?;3,5\nHalf of 8?;4\n")
    with pytest.warns(BenchmarkWarning, match=r"comma in a number: 1 of 2, .* .line 2. .'3,5'"):
        load_benchmark("questions", path=path)
    path.write_text('question,answer\nWhich?,"3,5"\nHalf of 8?,4\n')
    silent(path)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (LISTING, "B"),
        (LISTING, None),
        (LISTING, "2"),
        ("Even? (A) one (B) two (C) three", "(B)"),
        ("Even?\n A. one\n B. two", "b"),
    ],
)
def test_options_in_the_text_of_questions_are_noticed(
    question: str, answer: str | None, write_rows: Callable[..., Path]
) -> None:
    path = write_rows("rows.json", [{"question": question, "answer": answer}])
    with pytest.warns(BenchmarkWarning, match=r"list options in their text: 1 of 1\."):
        load_benchmark("questions", path=path)
    silent(path, answer_format="latex")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Two lines meet in A. Another goes through B. Where?", "5"),
        ("1 + 1? (A) 1 (B) 2 (C) 3", "2 apples"),
        ("f(A) or f(B) or f(C) ?", "7"),
        ("A) x\n" * 100_000, "B"),
        ("B) one\nA) two", "B"),
    ],
)
def test_letters_of_other_kinds_are_not_options(
    question: str, answer: str, write_rows: Callable[..., Path]
) -> None:
    silent(write_rows("rows.json", [{"question": question, "answer": answer}]))


@pytest.mark.parametrize("names", [("answerA", "answerB", "answerC"), ("sol1", "sol2")])
def test_columns_that_may_hold_options_are_named(
    names: tuple[str, ...], write_rows: Callable[..., Path]
) -> None:
    row = {"question": "Even?", **dict(zip(names, ("two", "three", "five"), strict=False))}
    path = write_rows("rows.json", [{**row, "label": "1"}])
    with pytest.warns(BenchmarkWarning, match=rf"options are not shown: {names[0]}, {names[1]}"):
        load_benchmark("questions", path=path)
    silent(path, columns={"options": None})
    silent(path, columns={"options": list(names)}, choice_labels="from-1")


def test_one_such_column_is_not_enough(write_rows: Callable[..., Path]) -> None:
    silent(write_rows("rows.json", [{"question": "1 + 1?", "solution2": "1", "answer": "2"}]))
