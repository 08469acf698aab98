"""GPQA-Diamond, with questions made up here: none of its own may stand in a public file."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from ttrl_benchmarks import BenchmarkError, BenchmarkWarning, load_benchmark
from ttrl_benchmarks.base import Benchmark

COLUMNS = (
    "Record ID",
    "Question",
    "Correct Answer",
    "Incorrect Answer 1",
    "Incorrect Answer 2",
    "Incorrect Answer 3",
)
SIZE = 198


def made_up(number: int) -> dict[str, str]:
    question = f"Which of these is {number} plus\n{number}?"
    options = (f"{2 * number}\n", f" {number}0", f"-{number}", f"{number}/7")
    return dict(zip(COLUMNS, (f"rec{number}", question, *options), strict=True))


@pytest.fixture
def gpqa_file(tmp_path: Path) -> Path:
    return write(tmp_path / "gpqa_diamond.csv", [made_up(number) for number in range(1, SIZE + 1)])


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def load(path: Path, **options: int) -> Benchmark:
    with pytest.warns(BenchmarkWarning, match="are not those of GPQA-Diamond"):
        return load_benchmark("gpqa", path=path, **options)


def test_the_label_is_the_letter_of_the_correct_answer(gpqa_file: Path) -> None:
    benchmark = load(gpqa_file)
    assert len(benchmark) == len(benchmark.labels) == SIZE
    assert benchmark.answer_format == "choice"
    for number, question in enumerate(benchmark.questions, start=1):
        label = benchmark.labels.reveal(question.id)
        assert label is not None
        assert question.options is not None
        assert question.options["ABCD".index(label)] == str(2 * number)
        options = (f"{2 * number}", f"{number}0", f"-{number}", f"{number}/7")
        assert Counter(question.options) == Counter(options)


def test_the_prompt_shows_lettered_options(gpqa_file: Path) -> None:
    benchmark = load(gpqa_file)
    question = benchmark.questions[4]
    assert question.options is not None
    a, b, c, d = question.options
    assert benchmark.prompt(question) == (
        f"Which of these is 5 plus\n5?\n\nA) {a}\nB) {b}\nC) {c}\nD) {d}" + benchmark.instruction
    )


def test_the_seed_names_the_order_of_the_options(gpqa_file: Path) -> None:
    first, again, other = load(gpqa_file), load(gpqa_file, seed=0), load(gpqa_file, seed=1)
    assert first == again != other
    letters = Counter(first.labels.reveal(question.id) for question in first.questions)
    assert set(letters) == set("ABCD")
    assert min(letters.values()) > SIZE / 8


def test_prompts_with_options_in_them_are_taken_as_they_are(tmp_path: Path) -> None:
    rows = [{"prompt": f"What is {n} + 1? A. {n} B. {n + 1}", "answer": "B"} for n in range(SIZE)]
    path = tmp_path / "GPQA-TTT.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    benchmark = load(path)
    assert benchmark.questions[0].options is None
    assert benchmark.labels.reveal("gpqa/0") == "B"
    with pytest.raises(BenchmarkError, match="leave out seed="):
        load_benchmark("gpqa", path=path, seed=1)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    blank = write(tmp_path / "blank.csv", [made_up(1), {**made_up(2), "Incorrect Answer 2": " "}])
    with pytest.raises(BenchmarkError, match=r"row 2 .*column 'Incorrect Answer 2' is blank"):
        load_benchmark("gpqa", path=blank)
    twice = write(tmp_path / "twice.csv", [made_up(1), made_up(2), made_up(1)])
    with pytest.raises(BenchmarkError, match=r"duplicate questions: 1 of 3 \(row 3 as row 1\)"):
        load_benchmark("gpqa", path=twice)
    other = tmp_path / "other.csv"
    other.write_text("Question,Answer\nWhat?,B\n", encoding="utf-8")
    with pytest.raises(BenchmarkError, match=r"no correct answer column.*found Question, Answer"):
        load_benchmark("gpqa", path=other)


def test_a_file_in_the_data_folder_must_be_the_publishers(
    gpqa_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTRL_DATA_DIR", str(gpqa_file.parent))
    with pytest.raises(BenchmarkError, match="are not those of GPQA-Diamond"):
        load_benchmark("gpqa")
