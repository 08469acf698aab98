"""CSV as spreadsheets write it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ttrl_benchmarks import BenchmarkError, load_benchmark
from ttrl_benchmarks.tables import read_table

ROWS = [{"question": "What is 1 + 1?", "answer": "2"}, {"question": "2 + 2?", "answer": "4"}]


@pytest.mark.parametrize(
    "text",
    [
        "question,answer,,\nWhat is 1 + 1?,2,,\n2 + 2?,4,,\n,,,\n,,,\n",
        "question,answer\nWhat is 1 + 1?,2,\n,\n2 + 2?,4,,,\n",
        ",\n\nquestion,answer\r\nWhat is 1 + 1?,2\r\n2 + 2?,4\r\n",
        "question,,answer\nWhat is 1 + 1?,,2\n2 + 2?, ,4\n",
        "sep=;\nquestion;answer\nWhat is 1 + 1?;2\n2 + 2?;4\n",
        '"sep=|"\r\nquestion|answer\r\nWhat is 1 + 1?|2\r\n2 + 2?|4\r\n',
        "question;answer\nWhat is 1 + 1?;2\n2 + 2?;4\n",
        "question\tanswer\nWhat is 1 + 1?\t2\n2 + 2?\t4\n",
        ",question,answer\n0,What is 1 + 1?,2\n1,2 + 2?,4\n",
    ],
    ids=[
        "blank end",
        "longer rows",
        "blank start",
        "blank middle",
        "sep",
        "quoted",
        "; ",
        "tab",
        "numbers of a data frame",
    ],
)
def test_what_spreadsheets_add_is_passed_over(text: str, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(text.encode("utf-8-sig"))
    assert [dict(row.cells) for row in read_table(path).rows] == ROWS


def test_rows_keep_their_numbers_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("sep=,\nquestion,answer\n,\nx,1\n")
    assert [row.place for row in read_table(path).rows] == ["row 2 (line 4)"]


def test_a_cell_may_be_long_and_the_limit_of_other_readers_stays(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    path = tmp_path / "long.csv"
    path.write_text(f"question,answer\n{'x' * 200_000},5\n")
    assert len(load_benchmark("questions", path=path).questions[0].text) == 200_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("question,,answer\nx,y,1\n", r"row 1 \(line 2\): a cell in a column that has no name"),
        (",question,answer\nfirst,x,1\n", r"row 1 \(line 2\): a cell in a column that has no name"),
        ("question,answer\nx,1,y\n", "row 1 .line 2.: 3 cells where the header has 2"),
        ("question,answer\nx\n", "row 1 .line 2.: 1 cells where the header has 2"),
        ("sep=;\n", "the file holds no rows"),
    ],
)
def test_what_cannot_be_told_is_not_guessed(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text(text)
    with pytest.raises(BenchmarkError, match=complaint):
        read_table(path)
