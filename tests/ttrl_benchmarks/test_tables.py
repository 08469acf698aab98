"""Files that cannot be read: each says which row is wrong, and none does anything else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ttrl_benchmarks import BenchmarkError, load_benchmark
from ttrl_benchmarks.tables import read_table


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.json", b"", "the file is empty"),
        ("a.jsonl", b" \n\n", "the file is empty"),
        ("a.csv", b"\xef\xbb\xbf", "the file is empty"),
        ("a.json", b"[]", "the file holds no rows"),
        ("a.csv", b"question,answer\n", "the file holds no rows"),
        ("a.json", b'{"question": 1}', "expected a JSON array of objects, found an object"),
        ("a.json", b"null", "expected a JSON array of objects, found null"),
        ("a.json", b'[{"question": "x"}', "not valid JSON .* if it has one object a line"),
        ("a.json", b'{"question": "x"}\n{"question": "y"}', "not valid JSON .*name it .jsonl"),
        ("a.json", b"[" * 100_000, "not valid JSON .nested too deeply"),
        ("a.json", b'[{"question": ' + b"9" * 5000 + b"}]", "not valid JSON"),
        ("a.jsonl", b'{"question": "x"}\n\n{"question": \n', r"row 2 \(line 3\): not valid JSON"),
        ("a.jsonl", b'{"question": "x"}\n[1]', r"row 2 \(line 2\): expected an object.*an array"),
        ("a.json", b'["\xff"]', "byte 2 is not UTF-8; save the file as UTF-8"),
        (
            "a.csv",
            b"question,answer\nx,1\ny\n",
            r"row 2 \(line 3\): 1 cells where the header has 2",
        ),
        ("a.csv", b'question\n"x\n', r"row 1 \(line 2\): not valid CSV"),
        ("a.csv", b"question,question\nx,y\n", "duplicate column 'question' in the header"),
        ("a.xlsx", b"PK", "cannot read a '.xlsx' file; save the sheet as CSV .UTF-8., or save the"),
        (
            "a.jsonl.gz",
            b"\x1f\x8b",
            "cannot read a '.gz' file; unpack it, or save the questions as",
        ),
        ("a.txt", b"question", "cannot read a '.txt' file; if it is a table, name it .csv or .tsv"),
        (
            "a.json",
            b'{"n": 1, "data": [{"question": "x"}]}',
            "save the array under 'data' as a file",
        ),
        (
            "a.csv",
            "question\nx\n".encode("utf-16-le"),
            "holds zero bytes, as UTF-16 or UTF-32 does",
        ),
        ("a.json", '[{"question": "x"}]'.encode("utf-32"), "holds zero bytes, as UTF-16 or UTF-32"),
        ("a.csv", b"\xff\xfeq\x00", "the file holds no rows"),
        ("a.csv", b"\xff\xfeq\x00\x00", "byte 4 is not UTF-16; save the file as UTF-8"),
        ("a", b"question", "cannot read a 'suffixless' file"),
    ],
)
def test_an_unreadable_file_says_where(
    name: str, content: bytes, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BenchmarkError, match=complaint) as caught:
        read_table(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["absent.json", "absent", "absent/absent.gz"])
def test_a_missing_file_says_so(name: str, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="there is no such file"):
        read_table(tmp_path / name)


def test_a_folder_names_the_files_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "hub.json"
    (folder / "data").mkdir(parents=True)
    with pytest.raises(BenchmarkError, match=r"is a folder without a file that can be read; save"):
        read_table(folder)
    (folder / "dataset_info.json").write_text("{}")
    (folder / "data" / "rows.arrow").write_bytes(b"ARROW1")
    with pytest.raises(BenchmarkError, match=r"a folder without .*; load it with datasets and"):
        read_table(folder)
    for n in range(7):
        (folder / "data" / f"train-{n}.parquet").write_bytes(b"PAR1")
    with pytest.raises(
        BenchmarkError, match=r"files: data.train-0\.parquet, .* or one of 2 more\."
    ):
        read_table(folder)


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_of_spreadsheets_is_decoded_by_its_mark(codec: str, tmp_path: Path) -> None:
    mark = "\ufeff" if codec.endswith("e") else ""
    path = tmp_path / "a.tsv"
    path.write_bytes((mark + "question\tanswer\r\nWas ist ½ + ½?\t1\r\n").encode(codec))
    assert [dict(row.cells) for row in read_table(path).rows] == [
        {"question": "Was ist ½ + ½?", "answer": "1"}
    ]


def test_rows_know_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('question,answer\n"one,\ntwo",1\n\nthree,3\n', encoding="utf-8")
    table = read_table(path)
    assert table.columns == ("question", "answer")
    assert [row.cells["question"] for row in table.rows] == ["one,\ntwo", "three"]
    assert [row.place for row in table.rows] == ["row 1 (line 3)", "row 2 (line 5)"]


def test_json_lines_may_hold_any_line_separator_of_unicode(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"question": "a\u2028b\x85c"}\r\n{"question": "d"}\r\n'.encode())
    assert [row.cells["question"] for row in read_table(path).rows] == ["a\u2028b\x85c", "d"]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 64 + b"PAR1", b"no parquet"])
def test_a_broken_parquet_file_says_so(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(BenchmarkError, match="not a readable Parquet file"):
        read_table(path)


CELLS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
NAMES = st.sampled_from(["question", "answer", "id", "level", "options", "Problem"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from([".json", ".jsonl", ".csv", ".tsv"]),
    content=st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
    | st.lists(st.dictionaries(NAMES, CELLS, max_size=5), max_size=4).map(
        lambda rows: json.dumps(rows).encode()
    ),
)
@example(suffix=".json", content=b'[{"question": "a", "answer": NaN, "level": 1e999}]')
@example(suffix=".json", content=b'[{"question": "\\ud800", "answer": "x"}]')
@example(suffix=".csv", content=b"question\n\0\n")
def test_no_file_does_anything_but_load_or_complain(
    suffix: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / f"hostile{suffix}"
    path.write_bytes(content)
    modules = set(sys.modules)
    try:
        benchmark = load_benchmark("questions", path=path)
    except BenchmarkError as error:
        assert str(path) in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert len(benchmark) > 0
        assert all(benchmark.prompt(question) for question in benchmark.questions)
    assert set(sys.modules) == modules


def test_a_file_has_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"question": "x"}\n' * 40)
    monkeypatch.setattr("ttrl_benchmarks.tables.MAX_ROWS", 30)
    with pytest.raises(BenchmarkError, match=r"more than 30 rows, the most .* divide it"):
        read_table(path)
    monkeypatch.setattr("ttrl_benchmarks.tables.MAX_FILE_BYTES", 500)
    with pytest.raises(BenchmarkError, match="is 0 MiB, more than the 0 MiB that a file"):
        read_table(path)


def test_what_a_parquet_file_holds_has_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ttrl_benchmarks.tables._MAX_UNPACKED_BYTES", 10_000_000)
    path = tmp_path / "bomb.parquet"
    bomb = pa.table({"question": ["x" * 1_000_000] * 20})
    for options in ({"row_group_size": 1}, {"use_dictionary": True}):
        # The second says that it holds one text alone: what comes out of it is counted as well.
        pq.write_table(bomb, path, **options)
        assert path.stat().st_size < 3_000_000
        with pytest.raises(BenchmarkError, match=r"holds [0-9]+ MiB, more than the 9 MiB"):
            read_table(path)


def test_blank_rows_are_passed_over_in_every_format(tmp_path: Path) -> None:
    rows = [{"question": "a", "n": 1}, {"question": None, "n": float("nan")}, {"question": "b"}]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [row.number for row in read_table(path).rows] == [1, 3]
    parquet = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows), parquet)
    assert [row.number for row in read_table(parquet).rows] == [1, 3]
