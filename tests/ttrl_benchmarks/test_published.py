"""AIME 2024, AMC and MATH-500 from files at hand, and what a wrong file is told."""

from __future__ import annotations

import json
import shutil
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ttrl_benchmarks import BenchmarkError, BenchmarkWarning, load_benchmark
from ttrl_benchmarks.base import Benchmark
from ttrl_benchmarks.columns import clean_label
from ttrl_benchmarks.digest import content_digest

FILES = {
    "aime24": ("AIME-TTT.json", 30),
    "amc": ("AMC-TTT.json", 83),
    "math500": ("MATH-TTT.json", 500),
    "math500-l1": ("MATH-L1-TTT.json", 43),
    "math500-l2": ("MATH-L2-TTT.json", 90),
    "math500-l3": ("MATH-L3-TTT.json", 105),
    "math500-l4": ("MATH-L4-TTT.json", 128),
    "math500-l5": ("MATH-L5-TTT.json", 134),
}


def labels_of(benchmark: Benchmark) -> list[str | None]:
    return [benchmark.labels.reveal(question.id) for question in benchmark.questions]


@pytest.mark.parametrize("name", FILES)
def test_a_file_at_hand_is_the_benchmark(
    name: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, size = FILES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        by_file = load_benchmark(name, path=data_dir / file)
        by_folder = load_benchmark(name, path=str(data_dir))
        monkeypatch.setenv("TTRL_DATA_DIR", str(data_dir))
        by_environment = load_benchmark(name)
    assert len(by_file) == size == len(by_file.labels)
    assert by_file == by_folder == by_environment
    assert labels_of(by_file) == labels_of(by_folder) == labels_of(by_environment)
    rows = json.loads((data_dir / file).read_text(encoding="utf-8"))
    assert [question.text for question in by_file.questions] == [row["prompt"] for row in rows]


@pytest.mark.parametrize("name", FILES)
def test_every_benchmark_is_whole(name: str, data_dir: Path) -> None:
    benchmark = load_benchmark(name, path=data_dir)
    assert benchmark.name == name
    assert len({question.text for question in benchmark.questions}) == len(benchmark)
    for question in benchmark.questions:
        assert question.text.strip()
        label = benchmark.labels.reveal(question.id)
        assert label is not None
        assert clean_label(label, benchmark.answer_format, question.id) == label


def test_the_prompt_ends_in_the_papers_instruction(data_dir: Path) -> None:
    benchmark = load_benchmark("aime24", path=data_dir)
    question = benchmark.questions[0]
    ending = "\nPlease reason step by step, and put your final answer within \\boxed{}."
    assert benchmark.prompt(question) == question.text + ending
    bare = load_benchmark("aime24", path=data_dir, instruction="")
    assert bare.prompt(question) == question.text


def test_integer_labels_lose_padding_and_fractions(data_dir: Path) -> None:
    aime = labels_of(load_benchmark("aime24", path=data_dir))
    amc = labels_of(load_benchmark("amc", path=data_dir))
    assert aime[:2] == ["204", "25"]
    assert amc[:2] == ["142", "144"]
    assert all(label is not None and str(int(label)) == label for label in aime + amc)


def test_the_levels_partition_math500(data_dir: Path) -> None:
    whole = load_benchmark("math500", path=data_dir)
    counts = Counter(question.level for question in whole.questions)
    assert counts == {1: 43, 2: 90, 3: 105, 4: 128, 5: 134}
    for level in range(1, 6):
        alone = load_benchmark(f"math500-l{level}", path=data_dir)
        assert replace(whole.filter(level=level), name=alone.name) == alone


def test_a_level_comes_out_of_a_file_with_a_level_column(
    data_dir: Path, write_rows: Callable[..., Path]
) -> None:
    whole = load_benchmark("math500", path=data_dir)
    rows = [
        {
            "problem": q.text,
            "answer": whole.labels.reveal(q.id),
            "level": q.level,
            "unique_id": q.id,
        }
        for q in whole.questions
    ]
    path = write_rows("test.jsonl", rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_benchmark("math500", path=path) == whole
        alone = load_benchmark("math500-l2", path=path)
    assert alone == load_benchmark("math500-l2", path=data_dir)


def test_a_file_without_levels_has_none_to_ask_for(data_dir: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(data_dir / "MATH-TTT.json", tmp_path))
    whole = load_benchmark("math500", path=path)
    assert {question.level for question in whole.questions} == {None}
    with pytest.raises(BenchmarkError, match=r"has no level column.*MATH-L3-TTT\.json itself"):
        load_benchmark("math500-l3", path=path)


def test_level_files_that_are_not_of_this_file_are_refused(data_dir: Path, tmp_path: Path) -> None:
    for level in range(1, 6):
        shutil.copy(data_dir / f"MATH-L{level}-TTT.json", tmp_path)
    rows = json.loads((data_dir / "MATH-TTT.json").read_text(encoding="utf-8"))
    rows[7]["id"] = "test/elsewhere/1.json"
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(BenchmarkError, match=r"'test/elsewhere/1\.json' is in none"):
        load_benchmark("math500", path=path)


@pytest.mark.parametrize("level", [0, 6, "3"])
def test_a_level_that_there_is_not(level: object) -> None:
    with pytest.raises(BenchmarkError, match=r"levels 1 to 5|a whole number"):
        load_benchmark("math500", level=level)


def test_other_content_is_a_warning_by_path_and_an_error_in_the_data_folder(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = json.loads((data_dir / "AIME-TTT.json").read_text(encoding="utf-8"))
    path = tmp_path / "AIME-TTT.json"
    for changed, complaint in (
        (rows[:29], "holds 29 questions where AIME 2024 has 30"),
        ([{**rows[0], "answer": "205"}, *rows[1:]], "are not those of AIME 2024"),
        ([{**rows[0], "prompt": "What?"}, *rows[1:]], "are not those of AIME 2024"),
        ([rows[1], rows[0], *rows[2:]], "are not those of AIME 2024"),
    ):
        path.write_text(json.dumps(changed), encoding="utf-8")
        monkeypatch.delenv("TTRL_DATA_DIR", raising=False)
        with pytest.warns(BenchmarkWarning, match=complaint):
            assert len(load_benchmark("aime24", path=path)) == len(changed)
        monkeypatch.setenv("TTRL_DATA_DIR", str(tmp_path))
        with pytest.raises(BenchmarkError, match=complaint):
            load_benchmark("aime24")


def test_the_digest_sees_content_and_nothing_else(
    data_dir: Path, write_rows: Callable[..., Path]
) -> None:
    original = load_benchmark("aime24", path=data_dir)
    rows: list[dict[str, Any]] = [
        {"problem": f" {q.text}\n", "answer": int(original.labels.reveal(q.id) or "")}
        for q in original.questions
    ]
    again = load_benchmark("aime24", path=write_rows("spaced.jsonl", rows))
    assert content_digest(again) == content_digest(original)
    assert content_digest(original.unlabeled()) != content_digest(original)


def test_places_without_the_file_say_what_they_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BenchmarkError, match=r"holds no file of AMC; looked for AMC-TTT\.json"):
        load_benchmark("amc", path=tmp_path)
    with pytest.raises(BenchmarkError, match="no such file or folder"):
        load_benchmark("amc", path=tmp_path / "absent.json")
    monkeypatch.setenv("TTRL_DATA_DIR", str(tmp_path / "absent"))
    with pytest.raises(BenchmarkError, match=r"TTRL_DATA_DIR=.*no such folder"):
        load_benchmark("amc")


def test_a_folder_may_hold_it_under_its_own_name(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(data_dir / "AMC-TTT.json", tmp_path / "amc.json")
    monkeypatch.setenv("TTRL_DATA_DIR", str(tmp_path))
    assert load_benchmark("amc") == load_benchmark("amc", path=data_dir)


def test_math500_wants_ids(write_rows: Callable[..., Path]) -> None:
    rows = [{"problem": "?", "answer": "1", "level": 1}]
    with pytest.raises(BenchmarkError, match="no id column"):
        load_benchmark("math500", path=write_rows("rows.json", rows))
    rows[0]["unique_id"] = " "
    with pytest.raises(BenchmarkError, match="row 1: column 'unique_id' is blank"):
        load_benchmark("math500", path=write_rows("rows.json", rows))


def test_a_blank_cell_is_named(write_rows: Callable[..., Path]) -> None:
    rows = [{"problem": "What is 1 + 1?", "answer": "2"}, {"problem": "And 2 + 2?", "answer": " "}]
    with pytest.raises(BenchmarkError, match=r"row 2 \(line 2\): column 'answer' is blank"):
        load_benchmark("aime24", path=write_rows("rows.jsonl", rows))
    with pytest.raises(BenchmarkError, match=r"row 2: column 'problem' is blank"):
        load_benchmark(
            "aime24", path=write_rows("rows.json", [rows[0], {"problem": None, "answer": 4}])
        )


def test_a_label_that_is_no_integer_is_named(write_rows: Callable[..., Path]) -> None:
    rows = [{"problem": "What is 1 / 2?", "answer": "1/2"}]
    with pytest.raises(BenchmarkError, match=r"row 1: label '1/2' is not an integer"):
        load_benchmark("amc", path=write_rows("rows.json", rows))
