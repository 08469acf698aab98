"""AIME: two publishers' orders of one exam, and an exam told by its answers."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ttrl_benchmarks import BenchmarkError, BenchmarkWarning, load_benchmark

PAGES = [f"2024_AIME_{paper}_Problems/Problem_{n}" for paper in ("I", "II") for n in range(1, 16)]
# The answers of both papers of 2025, which anyone may look up.
ANSWERS_2025 = [
    *(70, 588, 16, 117, 279, 504, 821, 77, 62, 81, 259, 510, 204, 60, 735),
    *(468, 49, 82, 106, 336, 293, 237, 610, 149, 907, 113, 19, 248, 104, 240),
]


def aime25_rows(answers: list[int]) -> list[dict[str, Any]]:
    return [{"problem": f"Transcribed {n}", "answer": a} for n, a in enumerate(answers)]


def test_the_publishers_order_becomes_that_of_the_exam(
    data_dir: Path, write_rows: Callable[..., Path]
) -> None:
    exam = json.loads((data_dir / "AIME-TTT.json").read_text(encoding="utf-8"))
    rows = [
        {"id": 60 + n, "problem": row["prompt"], "answer": row["answer"], "url": f"wiki/{page}"}
        for n, (row, page) in enumerate(zip(exam, PAGES, strict=True))
    ]
    expected = load_benchmark("aime24", path=data_dir)
    by_page = sorted(rows, key=lambda row: row["url"])
    assert [row["id"] for row in by_page] != [row["id"] for row in rows]
    random.Random(0).shuffle(rows)
    for order in (by_page, rows):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            benchmark = load_benchmark("aime24", path=write_rows("aime.jsonl", order))
        assert benchmark == expected
        for question in expected.questions:
            expected_label = expected.labels.reveal(question.id)
            assert benchmark.labels.reveal(question.id) == expected_label


def test_rows_that_name_no_page_keep_their_order(write_rows: Callable[..., Path]) -> None:
    rows = [
        {"problem": "Second?", "answer": 2, "url": f"wiki/{PAGES[1]}"},
        {"problem": "First?", "answer": 1, "url": "elsewhere"},
    ]
    with pytest.warns(BenchmarkWarning, match="holds 2 questions"):
        benchmark = load_benchmark("aime24", path=write_rows("aime.json", rows))
    assert [question.text for question in benchmark.questions] == ["Second?", "First?"]


def test_any_transcription_with_the_right_answers_is_aime_2025(
    write_rows: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_rows("aime25.json", aime25_rows(ANSWERS_2025))
    monkeypatch.setenv("TTRL_DATA_DIR", str(path.parent))
    benchmark = load_benchmark("aime25")
    assert benchmark.labels.reveal("aime25/29") == "240"
    assert benchmark.questions[3].text == "Transcribed 3"
    write_rows("aime25.json", aime25_rows(ANSWERS_2025[::-1]))
    with pytest.raises(BenchmarkError, match="are not those of AIME 2025"):
        load_benchmark("aime25")
