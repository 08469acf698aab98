"""The user's own questions: every format, columns by name and by mapping, and what is refused."""

from __future__ import annotations

import csv
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ttrl_benchmarks import PAPER_INSTRUCTION, UnknownNameError, UserError, load_benchmark
from ttrl_benchmarks.base import Benchmark, Question

SUMS: list[dict[str, Any]] = [
    {"question": "What is 1 + 1?", "answer": "2"},
    {"question": "What is 2 + 2?", "answer": "4"},
    {"question": "What is 3, plus\nthree “or so”?", "answer": "6"},
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Writes rows in the format that the suffix names."""
    if path.suffix == ".json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    elif path.suffix in {".jsonl", ".ndjson"}:
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        path.write_text("\n\n".join(lines), encoding="utf-8")
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            delimiter = "\t" if path.suffix == ".tsv" else ","
            writer = csv.DictWriter(file, fieldnames=list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    return path


def labels_of(benchmark: Benchmark) -> list[str | None]:
    return [benchmark.labels.reveal(question.id) for question in benchmark.questions]


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"])
def test_every_format_gives_the_same_benchmark(suffix: str, tmp_path: Path) -> None:
    benchmark = load_benchmark("questions", path=write(tmp_path / f"sums{suffix}", SUMS))
    assert [question.text for question in benchmark.questions] == [r["question"] for r in SUMS]
    assert [q.id for q in benchmark.questions] == ["sums/0", "sums/1", "sums/2"]
    assert labels_of(benchmark) == ["2", "4", "6"]
    assert benchmark.answer_format == "latex"
    assert benchmark.instruction == PAPER_INSTRUCTION
    again = pickle.loads(pickle.dumps(benchmark))  # noqa: S301 - our own bytes
    assert again == benchmark
    assert labels_of(again) == labels_of(benchmark)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("question", "answer"),
        ("Problem", "Answer"),
        ("prompt", "label"),
        ("QUERY", "target"),
        (" input ", "final_answer"),
        ("problem", "expected_answer"),
        ("Question", "Correct Answer"),
        ("question", "Final-answer"),
    ],
)
def test_the_usual_names_are_found(
    question: str, answer: str, write_rows: Callable[..., Path]
) -> None:
    rows = [{"note": "", answer: 7, question: "What is 3 + 4?"}]
    benchmark = load_benchmark("questions", path=write_rows("rows.json", rows))
    assert benchmark.questions == (Question("rows/0", "What is 3 + 4?"),)
    assert labels_of(benchmark) == ["7"]


def test_columns_are_mapped(write_rows: Callable[..., Path]) -> None:
    rows = [
        {"Frage": "Was ist 1 + 1?", "Lösung": 2.0, "nr": 17, "Stufe": "Level 3", "question": "no"}
    ]
    benchmark = load_benchmark(
        "questions",
        path=write_rows("fragen.json", rows),
        columns={"question": "Frage", "answer": "Lösung", "id": "nr", "level": "Stufe"},
        answer_format="integer",
        instruction=" Bitte.",
    )
    assert benchmark.name == "fragen"
    assert benchmark.questions == (Question("17", "Was ist 1 + 1?", level=3),)
    assert labels_of(benchmark) == ["2"]
    assert benchmark.prompt(benchmark.questions[0]) == "Was ist 1 + 1? Bitte."


def test_labels_may_be_absent_partial_or_left_out(write_rows: Callable[..., Path]) -> None:
    bare = [{"question": row["question"]} for row in SUMS]
    assert len(load_benchmark("questions", path=write_rows("bare.json", bare)).labels) == 0
    partial = [SUMS[0], {**SUMS[1], "answer": None}, bare[2]]
    path = write_rows("partial.json", partial)
    assert labels_of(load_benchmark("questions", path=path)) == ["2", None, None]
    left_out = load_benchmark("questions", path=path, columns={"answer": None})
    assert len(left_out.labels) == 0


def test_a_column_that_is_blank_throughout_is_passed_over(write_rows: Callable[..., Path]) -> None:
    rows = [{"question": f"{n}?", "answer": " ", "solution": rf"\boxed{{{n}}}"} for n in range(2)]
    assert labels_of(load_benchmark("questions", path=write_rows("rows.json", rows))) == ["0", "1"]
    for row in rows:
        del row["solution"]
    benchmark = load_benchmark("questions", path=write_rows("blank.json", rows))
    assert labels_of(benchmark) == [None, None]


@pytest.mark.parametrize("label", ["1,234", "+1,234.0", "x\n#### 1,234"])
def test_integers_may_have_commas_between_thousands(
    label: str, write_rows: Callable[..., Path]
) -> None:
    path = write_rows("rows.json", [{"question": "?", "answer": label}])
    assert labels_of(load_benchmark("questions", path=path, answer_format="integer")) == ["1234"]


def test_numbers_and_blanks_of_a_data_frame(write_rows: Callable[..., Path]) -> None:
    rows = [
        {"question": "What is 1 + 1?", "answer": 2.0, "level": 1.0},
        {"question": "What is 1 / 4?", "answer": 0.25, "level": float("nan")},
        {"question": "What is the answer?", "answer": float("nan"), "level": None},
    ]
    benchmark = load_benchmark("questions", path=write_rows("frame.json", rows))
    assert labels_of(benchmark) == ["2", "0.25", None]
    assert [question.level for question in benchmark.questions] == [1, None, None]


def test_a_question_without_options_may_stand_among_others(write_rows: Callable[..., Path]) -> None:
    rows = [
        {"question": "Which is even?", "options": ["1", "2"], "answer": "B"},
        {"question": "Which letter is first? A or B?", "options": None, "answer": "a"},
    ]
    benchmark = load_benchmark("questions", path=write_rows("mixed.json", rows))
    assert labels_of(benchmark) == ["B", "A"]
    assert benchmark.questions[1].options is None


def test_options_become_letters(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"question": "Which is even?", "choices": ["one", "two", "three"], "answer": "two"},
        {"question": "Which is odd?", "choices": ["two", "three"], "answer": "(b)"},
        {"question": "Which is largest?", "choices": ["7", "9", "8"], "answer": "9"},
    ]
    as_text = [{**row, "choices": json.dumps(row["choices"])} for row in rows]
    for path in (write(tmp_path / "a.json", rows), write(tmp_path / "b.csv", as_text)):
        benchmark = load_benchmark("questions", path=path, instruction="\nThink.")
        assert benchmark.answer_format == "choice"
        assert labels_of(benchmark) == ["B", "B", "B"]
        prompt = benchmark.prompt(benchmark.questions[0])
        assert prompt == "Which is even?\n\nA) one\nB) two\nC) three\nThink."


@pytest.mark.parametrize(
    ("rows", "options", "complaint"),
    [
        ([{"Qustion": "?", "answer": 1}], {}, r"no question column; looked for .* found Qustion, "),
        (SUMS, {"columns": {"question": "qestion"}}, r"'qestion'\. Did you mean 'question'\?"),
        (SUMS, {"columns": {"answer": "gold"}}, r"Unknown answer column 'gold'.*answer, question"),
        (SUMS, {"columns": {"qustion": "x"}}, r"role of a column 'qustion'.*'question'"),
        (SUMS, {"columns": {"question": None}}, "the question cannot be left out"),
        (SUMS, {"answer_format": "number"}, "Unknown answer format 'number'"),
        ([*SUMS, {"question": "  ", "answer": 1}], {}, "row 4: column 'question' is blank"),
        (
            [*SUMS, {"question": " What is  1 + 1?"}],
            {},
            "duplicate questions: 1 of 4 .row 4 as row 1",
        ),
        (
            [{"question": "?", "id": 1}, {"question": "!", "id": "1"}],
            {},
            "row 2: duplicate id '1', as in row 1",
        ),
        ([{"question": "?", "id": 1}, {"question": "!"}], {}, "row 2: column 'id' is blank"),
        ([{"question": "?", "level": "hard"}], {}, "row 1: 'hard' in column 'level' is not a"),
        ([{"question": ["?"]}], {}, "row 1: column 'question' holds a list"),
        ([{"question": "?", "answer": True}], {}, "row 1: column 'answer' holds a bool"),
        ([{"question": "?", "options": ["x"]}], {}, "row 1: column 'options' is not an array of 2"),
        ([{"question": "?", "options": "a, b"}], {}, "row 1: column 'options' is not an array of"),
        (
            [{"question": "?", "options": ["x", "y"], "answer": "C"}],
            {},
            "label 'C' where there are 2 options",
        ),
        (
            [{"question": "?", "options": ["x", "y"], "answer": "neither"}],
            {},
            "'neither' is not the letter of an option",
        ),
        ([{"question": "?", "answer": "½"}], {"answer_format": "integer"}, "'½' is not an integer"),
        ([{"question": "?", "answer": "3,5"}], {"answer_format": "integer"}, "is not an integer"),
        ([{"question": "?", "answer": "٣"}], {"answer_format": "integer"}, "is not an integer"),
        ([], {}, "the file holds no rows"),
        (["What?"], {}, "row 1: expected an object with named values, found a string"),
        ([{}], {}, "no question column"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    rows: list[Any], options: dict[str, Any], complaint: str, write_rows: Callable[..., Path]
) -> None:
    with pytest.raises(UserError, match=complaint) as caught:
        load_benchmark("questions", path=write_rows("rows.json", rows), **options)
    assert "\n" not in str(caught.value)


def test_wrong_options_name_the_right_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"option of benchmark 'questions' 'pth'.*'path'"):
        load_benchmark("questions", pth="x")
    with pytest.raises(UserError, match=r"'questions' needs path=\.\.\."):
        load_benchmark("questions")


def test_a_question_has_a_bound(write_rows: Callable[..., Path]) -> None:
    path = write_rows("rows.json", [{"question": "x" * (2**20 + 1)}])
    with pytest.raises(UserError, match="row 1: a question of 1,048,577 characters, more than"):
        load_benchmark("questions", path=path)


def test_half_a_character_is_named(write_rows: Callable[..., Path]) -> None:
    path = write_rows("rows.json", [{"question": "a"}, {"question": "b \ud800"}])
    with pytest.raises(UserError, match=r"row 2: column 'question' holds \\ud800, half of a"):
        load_benchmark("questions", path=path)
    with pytest.raises(UserError, match=r"question 'q' holds \\udfff"):
        Benchmark("mine", (Question("q", "\udfff"),))
