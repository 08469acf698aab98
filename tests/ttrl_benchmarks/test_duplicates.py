"""Duplicates: all listed at once, dropped, or kept."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from ttrl_benchmarks import BenchmarkError, BenchmarkWarning, UnknownNameError, load_benchmark

ROWS = [
    {"question": "a", "answer": 1},
    {"question": "b", "answer": 2},
    {"question": " a ", "answer": 1},
    {"question": "c", "answer": 3},
    {"question": "b", "answer": None},
]


def test_every_duplicate_is_listed(write_rows: Callable[..., Path]) -> None:
    with pytest.raises(
        BenchmarkError,
        match=r"duplicate questions: 2 of 5 \(row 3 as row 1, row 5 as row 2\).*drop or keep",
    ):
        load_benchmark("questions", path=write_rows("rows.json", ROWS))


def test_a_long_list_is_cut(write_rows: Callable[..., Path]) -> None:
    rows = [{"question": "a"}] * 40
    with pytest.raises(BenchmarkError, match=r"row 21 as row 1 and 19 more\)"):
        load_benchmark("questions", path=write_rows("rows.json", rows))


def test_duplicates_are_dropped_and_the_rest_keeps_its_names(
    write_rows: Callable[..., Path],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = write_rows("rows.json", ROWS)
        benchmark = load_benchmark("questions", path=path, duplicates="drop")
    assert [each.id for each in benchmark.questions] == ["rows/0", "rows/1", "rows/3"]


def test_duplicates_may_be_kept(write_rows: Callable[..., Path]) -> None:
    path = write_rows("rows.json", ROWS)
    assert len(load_benchmark("questions", path=path, duplicates="keep")) == 5


def test_a_dropped_duplicate_with_another_label_is_warned_of(
    write_rows: Callable[..., Path],
) -> None:
    rows = [*ROWS, {"question": "c", "answer": 4}]
    path = write_rows("rows.json", rows)
    with pytest.warns(
        BenchmarkWarning, match=r"duplicates with other labels .*: 1 \(row 6 as row 4\)"
    ):
        load_benchmark("questions", path=path, duplicates="drop")


def test_other_words_say_which_there_are(write_rows: Callable[..., Path]) -> None:
    with pytest.raises(UnknownNameError, match=r"'no'.*drop, error, keep"):
        load_benchmark("questions", path=write_rows("rows.json", ROWS), duplicates="no")
