"""Multiple-choice files: where options stand, and what labels mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ttrl_benchmarks import Benchmark, UserError, load_benchmark

WORDS = ("one", "two", "three", "four")
QUESTIONS = ("Which is even?", "Which is first?", "Which is last?")
PLACES = (1, 0, 3)  # of the right option of each question


def loaded(benchmark: Benchmark) -> list[tuple[tuple[str, ...] | None, str | None]]:
    return [(each.options, benchmark.labels.reveal(each.id)) for each in benchmark.questions]


RIGHT = list(zip([WORDS] * 3, "BAD", strict=True))


def rows_of(options: Callable[[], dict[str, Any]], label: Callable[[int], Any]) -> list[Any]:
    return [
        {"question": text, **options(), "answer": label(place)}
        for text, place in zip(QUESTIONS, PLACES, strict=True)
    ]


def columns_named(*names: str) -> dict[str, Any]:
    return dict(zip(names, WORDS, strict=True))


LABELS: dict[str, Callable[[int], Any]] = {
    "letters": lambda n: "ABCD"[n],
    "small letters in brackets": lambda n: f"({'abcd'[n]})",
    "letters and texts": lambda n: f"{'ABCD'[n]}) {WORDS[n]}",
    "indices from 0": lambda n: n,
    "indices from 1": lambda n: n + 1,
    "indices as text": lambda n: str(n),
    "texts": lambda n: f" {WORDS[n]} ",
}
OPTIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "options": lambda: {"options": list(WORDS)},
    "choices": lambda: {"Choices": list(WORDS)},
    "JSON text": lambda: {"options": '["one", "two", "three", "four"]'},
    "lettered": lambda: {"options": ["A) one", "B) two", "C) three", "D) four"]},
    "by letter": lambda: {"options": dict(zip("ABCD", WORDS, strict=True))},
    "A to D": lambda: columns_named(*"ABCD"),
    "a blank column after them": lambda: {**columns_named(*"ABCD"), "E": ""},
    "option_a": lambda: columns_named("option_a", "option_b", "option_c", "option_d"),
    "Option 1": lambda: columns_named("Option 1", "Option 2", "Option 3", "Option 4"),
    "choice0": lambda: columns_named("choice0", "choice1", "choice2", "choice3"),
    "MedMCQA": lambda: columns_named("opa", "opb", "opc", "opd"),
}


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("options", OPTIONS)
def test_options_and_labels_are_found_however_they_are_written(
    options: str, label: str, write_rows: Callable[..., Path]
) -> None:
    path = write_rows("choice.json", rows_of(OPTIONS[options], LABELS[label]))
    benchmark = load_benchmark("questions", path=path)
    assert benchmark.answer_format == "choice"
    assert loaded(benchmark) == RIGHT


def test_a_spreadsheet_of_options_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mmlu.csv"
    path.write_text("question,A,B,C,D,answer\nEven?,1,2,3,5,B\nOdd?,2,4,6,7,D\n")
    options = [("1", "2", "3", "5"), ("2", "4", "6", "7")]
    assert loaded(load_benchmark("questions", path=path)) == list(zip(options, "BD", strict=True))


def test_the_numbers_that_a_file_gives_its_options_are_its_labels(
    write_rows: Callable[..., Path],
) -> None:
    arc = {"question": "?", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"}
    pairs = {"question": "!", "choices": [{"label": "A", "text": "x"}, {"label": "B", "text": 7}]}
    benchmark = load_benchmark("questions", path=write_rows("arc.json", [arc, pairs]))
    assert loaded(benchmark) == [(("x", "y"), "B"), (("x", "7"), None)]


def test_options_may_be_numbers(write_rows: Callable[..., Path]) -> None:
    rows = [
        {"question": "Largest?", "options": [7, 9.0, 8.5], "answer": 9},
        {"question": "Least?", "options": [3, 5, 4], "answer": "3"},
    ]
    benchmark = load_benchmark("questions", path=write_rows("numbers.json", rows))
    assert loaded(benchmark) == [(("7", "9", "8.5"), "B"), (("3", "5", "4"), "A")]


@pytest.mark.parametrize(
    "label", ["[B]", "Option B", "option: b", "choice_B", "Answer: B", "B) two", "option (B)"]
)
def test_a_letter_may_be_announced(label: str, write_rows: Callable[..., Path]) -> None:
    row = {"question": "Even?", "options": ["one", "two"], "answer": label}
    benchmark = load_benchmark("questions", path=write_rows("rows.json", [row]))
    assert benchmark.labels.reveal("rows/0") == "B"


@pytest.mark.parametrize(
    "names", [("option1", "option2"), ("opa", "opb"), ("Choice A", "Choice B")]
)
def test_a_label_may_name_the_column_of_its_option(
    names: tuple[str, str], write_rows: Callable[..., Path]
) -> None:
    row = {"question": "Even?", names[0]: "one", names[1]: "two", "answer": names[1]}
    benchmark = load_benchmark("questions", path=write_rows("rows.json", [row]))
    assert loaded(benchmark) == [(("one", "two"), "B")]


NUMBERED = {"1": "one", "2": "two", "3": "three"}


@pytest.mark.parametrize(
    ("labels", "letters"),
    [
        (["1.0", "0.0"], ["B", "A"]),
        ([2, 3], ["B", "C"]),
        ([1, 0], ["B", "A"]),
        (["two", 1], ["B", "A"]),
    ],
)
def test_the_numbers_of_options_are_names_where_they_fit_every_row(
    labels: list[Any], letters: list[str], write_rows: Callable[..., Path]
) -> None:
    rows = [{"question": f"{n}?", "options": NUMBERED, "answer": x} for n, x in enumerate(labels)]
    benchmark = load_benchmark("questions", path=write_rows("rows.json", rows))
    assert [letter for _, letter in loaded(benchmark)] == letters


AMBIGUOUS = [
    # The text "2" is option B, the index 2 from 0 is option C.
    ([1, 2, 3], 2, "the text of an option .'2'. or an index from 0 .'3'."),
    # Neither 0 nor 3 stands in any row.
    (["x", "y", "z"], 1, "an index from 0 .'y'. or an index from 1 .'x'."),
    (["B", "A"], "B", "a letter .'A'. or the text of an option .'B'."),
]


@pytest.mark.parametrize(("options", "label", "complaint"), AMBIGUOUS)
def test_what_has_two_readings_is_not_guessed(
    options: list[Any], label: Any, complaint: str, write_rows: Callable[..., Path]
) -> None:
    rows = [{"question": "?", "options": options, "answer": label}]
    with pytest.raises(UserError, match=complaint + ".*choice_labels"):
        load_benchmark("questions", path=write_rows("rows.json", rows))


@pytest.mark.parametrize(
    ("options", "label", "kind", "letter"),
    [
        ([1, 2, 3], 2, "texts", "B"),
        ([1, 2, 3], 2, "from-0", "C"),
        (["x", "y", "z"], 1, "from-1", "A"),
        (["B", "A"], "B", "letters", "B"),
        (["B", "A"], "B", "texts", "A"),
    ],
)
def test_what_labels_are_can_be_said(
    options: list[Any], label: Any, kind: str, letter: str, write_rows: Callable[..., Path]
) -> None:
    path = write_rows("rows.json", [{"question": "?", "options": options, "answer": label}])
    benchmark = load_benchmark("questions", path=path, choice_labels=kind)
    assert benchmark.labels.reveal("rows/0") == letter


@pytest.mark.parametrize(
    ("row", "options", "complaint"),
    [
        ({"options": ["x", "y"], "answer": 3}, {}, "label '3' is not the letter of an option"),
        ({"options": ["x", "y"], "answer": "y"}, {"choice_labels": "letters"}, "label 'Y' where"),
        ({"options": ["x", "y"]}, {"choice_labels": "words"}, "Unknown kind of choice labels"),
        ({"options": ["x", "x"], "answer": "x"}, {}, "label 'X' where there are 2 options"),
        ({"options": ["x", "y"], "answer": "A) y"}, {}, "'A. y' is not the letter of an option"),
        ({"A": "x", "B": "", "C": "z"}, {}, "column 'A, B, C' is not an array of 2 to 26 texts"),
        ({"options": ["x", True]}, {}, "column 'options' is not an array"),
        ({"options": {"A": "x"}}, {}, "column 'options' is not an array"),
        ({"options": "['x', 'y']"}, {}, r"column 'options' .* JSON, as in .\"one\", \"two\".\."),
        ({"answer": "x"}, {"choice_labels": "letters"}, "is for multiple-choice questions"),
        ({}, {"columns": {"options": ["p", "q"]}}, "Unknown options column 'p'"),
    ],
)
def test_a_wrong_label_says_what_is_wrong(
    row: dict[str, Any], options: dict[str, Any], complaint: str, write_rows: Callable[..., Path]
) -> None:
    with pytest.raises(UserError, match=complaint):
        load_benchmark(
            "questions", path=write_rows("r.json", [{"question": "?", **row}]), **options
        )


def test_the_columns_of_options_can_be_named_or_left_out(write_rows: Callable[..., Path]) -> None:
    path = write_rows("r.json", [{"question": "?", "p": "x", "q": "y", "a": 1, "b": 2}])
    named = load_benchmark("questions", path=path, columns={"options": ["p", "q"]})
    assert loaded(named) == [(("x", "y"), None)]
    without = load_benchmark("questions", path=path, columns={"options": None})
    assert loaded(without) == [(None, None)]
    assert without.answer_format == "latex"
