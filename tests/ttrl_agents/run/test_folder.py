"""The files of a run with a line a step."""

import json

import pytest

from ttrl_agents.errors import AgentError
from ttrl_agents.run.folder import METRICS, VOTES, append_metrics, check_lines, trim_steps


def steps_in(path):
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_trimming_drops_the_steps_after_a_checkpoint_and_an_incomplete_line(tmp_path):
    for step in (1, 2, 3):
        append_metrics(tmp_path, step, {"loss": 1.0})
    with (tmp_path / VOTES).open("w") as file:
        for step in (1, 1, 2, 2, 3, 3):
            file.write(json.dumps({"step": step}) + "\n")
        file.write('{"step": 3, "answ')
    trim_steps(tmp_path, 2)
    assert steps_in(tmp_path / METRICS) == [1, 2]
    assert steps_in(tmp_path / VOTES) == [1, 1, 2, 2]


def test_trimming_goes_by_the_step_and_not_by_the_number_of_lines(tmp_path):
    for step in (2, 4, 6):  # as in a file from which lines were removed
        append_metrics(tmp_path, step, {"loss": 1.0})
    trim_steps(tmp_path, 4)
    assert steps_in(tmp_path / METRICS) == [2, 4]


def test_trimming_makes_files_that_are_missing(tmp_path):
    trim_steps(tmp_path, 5)
    assert (tmp_path / METRICS).read_text() == (tmp_path / VOTES).read_text() == ""


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"loss": 1}'])
def test_a_damaged_line_is_named(tmp_path, line):
    (tmp_path / METRICS).write_text('{"step": 1}\n' + line + '\n{"step": 3}\n')
    with pytest.raises(AgentError, match=r"Line 2 of .*metrics.jsonl is damaged"):
        trim_steps(tmp_path, 3)


def test_a_line_separator_inside_a_record_ends_no_line(tmp_path):
    path = tmp_path / "file"
    path.write_text('{"a": "\u2028\x85"}\n{"a": "b"}\n', encoding="utf-8")
    assert [each["a"] for each in check_lines(path, json.loads)] == ["\u2028\x85", "b"]


def test_metrics_that_were_removed_are_missed(tmp_path, caplog):
    for step in (1, 2, 4):
        append_metrics(tmp_path, step, {"loss": 1.0})
    trim_steps(tmp_path, 2)
    assert caplog.text == ""
    trim_steps(tmp_path, 3)
    assert "does not hold each of the 3 steps so far once" in caplog.text


@pytest.mark.parametrize("line", [b'{"step": "one"}', b'{"step": 2.5}', b"\xff", b"[" * 50_000])
def test_a_line_of_another_kind_is_named(tmp_path, line):
    (tmp_path / METRICS).write_bytes(b'{"step": 1}\n' + line + b"\n")
    with pytest.raises(AgentError, match=r"Line 2 of .*metrics.jsonl is damaged"):
        trim_steps(tmp_path, 3)
