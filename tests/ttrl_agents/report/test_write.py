"""The file of a report: what it needs, how large it gets, what it says when something is wrong."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from report_runs import copied, make_evaluation, make_run, rewrite

from ttrl_agents.callbacks.curves import draw_curves
from ttrl_agents.cli import main
from ttrl_agents.errors import AgentError
from ttrl_agents.report import write_report
from ttrl_agents.report.page import asset
from ttrl_agents.report.subject import read_subject
from ttrl_agents.run.provenance import note_start, read_provenance
from ttrl_env import locks
from ttrl_env.locks import FolderInUseError

ASSETS = Path(write_report.__code__.co_filename).parent / "assets"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    return make_evaluation(tmp_path_factory.mktemp("runs") / "evaluation")


def data_of(page: str):
    packed = re.search(r'id="data">([^<]*)<', page)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_the_library_of_the_charts_is_the_one_that_was_reviewed():
    for line in asset("uplot/SHA256SUMS").splitlines():
        digest, name = line.split()
        assert hashlib.sha256((ASSETS / "uplot" / name).read_bytes()).hexdigest() == digest
    assert "MIT" in asset("uplot/LICENSE")


def test_the_policy_of_the_page_allows_its_own_script_and_style_alone(run, tmp_path):
    page = write_report([run], tmp_path / "report.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    script, style = (
        re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1] for tag in ("script", "style")
    )
    for name, text in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.search(r'(?:src|href)="(?!data:,")', page)


def test_the_same_run_gives_the_same_report(run, tmp_path):
    one, other = (write_report([run], tmp_path / name).read_bytes() for name in ("a", "b"))
    assert one == other


def test_a_report_that_grows_too_large_shortens_completions_and_says_so(run, tmp_path):
    long = copied(run, tmp_path / "long")
    noise = "".join(hashlib.sha256(str(i).encode()).hexdigest() for i in range(60))
    for path in (long / "evaluations").rglob("completions.jsonl"):
        rewrite(
            path,
            lambda row: {
                **row,
                "text": row["question_id"] + str(row["member"]) + noise + row["text"],
                "span": None,
            },
        )
    whole = write_report([long], tmp_path / "whole.html")
    assert data_of(whole.read_text())["browser"]["shortened"] == ""
    small = write_report([long], tmp_path / "small.html", largest=whole.stat().st_size - 1)
    assert small.stat().st_size < whole.stat().st_size
    assert "so that this file stays small" in data_of(small.read_text())["browser"]["shortened"]
    smallest = write_report([long], tmp_path / "smallest.html", largest=1)
    assert "All completions" in data_of(smallest.read_text())["browser"]["shortened"]


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda run: (run / "config.json").unlink(), "holds neither a run of ttrl train nor"),
        (lambda run: (run / "summary.json").write_text("{"), "summary.json cannot be read"),
        (lambda run: (run / "metrics.jsonl").write_text('{"step": "x"}\n'), "Line 1 of"),
        (lambda run: (run / "votes.jsonl").write_text("7\n"), "votes.jsonl is damaged"),
    ],
)
def test_a_damaged_run_is_an_error_that_names_the_file(run, tmp_path, break_it, message):
    broken = copied(run, tmp_path / "broken")
    break_it(broken)
    with pytest.raises(AgentError, match=message):
        write_report([broken], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_reading_a_run_changes_nothing_in_it(run):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    read_subject(run)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_the_command_writes_into_the_folder_or_where_it_is_told(run, evaluation, tmp_path, capsys):
    assert main(["report", str(run)]) == 0
    size = (run / "report.html").stat().st_size / 1e6
    assert capsys.readouterr().out == f"{run / 'report.html'} ({size:.1f} MB)\n"
    assert main(["report", str(run), str(evaluation)]) == 0
    assert (run / "report-vs-evaluation.html").is_file()
    target = tmp_path / "new" / "report.html"
    assert main(["report", str(evaluation), "--output", str(target)]) == 0
    assert target.is_file()


def test_the_command_opens_the_report_where_it_is_asked_to(run, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    target = tmp_path / "report.html"
    assert main(["report", str(run), "--output", str(target), "--open"]) == 0
    assert opened == [target.as_uri()]


def test_a_folder_that_is_not_there_is_said_in_a_sentence(capsys):
    assert main(["report", "runs/nothing"]) == 1
    assert "There is no folder runs/nothing." in capsys.readouterr().err


def test_two_with_nothing_in_common_are_shown_without_a_comparison(run, tmp_path):
    other = copied(run, tmp_path / "other")
    for path in (other / "evaluations").rglob("config.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"benchmark": "another"}))
    data = data_of(write_report([run, other], tmp_path / "report.html").read_text())
    assert data["pairs"] == []
    assert len(data["subjects"]) == 2


def test_a_run_notes_its_command_and_its_versions_at_each_start(run, tmp_path):
    starts = read_provenance(run)
    assert len(starts) == 1
    assert {"ttrl-env", "torch", "numpy"} <= starts[0]["versions"].keys()
    note_start(tmp_path)
    note_start(tmp_path)
    assert len(read_provenance(tmp_path)) == 2


@pytest.mark.parametrize(
    "starts", ["[]", '{"starts": 7}', '{"starts": ["x"]}', '{"starts": [{"command": "ttrl"}]}']
)
def test_a_damaged_list_of_starts_is_named(starts, tmp_path):
    (tmp_path / "provenance.json").write_text(starts)
    with pytest.raises(AgentError, match=r"provenance.json is damaged"):
        read_provenance(tmp_path)


def test_the_curves_are_drawn_with_labels_and_without(run, tmp_path):
    from PIL import Image
    from report_runs import without_labels

    with Image.open(draw_curves(run)) as labelled:
        assert labelled.size[0] > labelled.size[1]
        two_rows = labelled.size[1]
    with Image.open(draw_curves(without_labels(run, tmp_path / "unlabelled"))) as unlabelled:
        assert unlabelled.size[1] < two_rows


HOLDER = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("locks", sys.argv[1])
locks = sys.modules["locks"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(locks)
with locks.FolderLock(sys.argv[2], name=sys.argv[3]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(("name", "refused"), [(".report.lock", True), (".lock", False)])
def test_two_reports_are_not_mixed_and_a_run_under_way_may_have_one(tmp_path, run, name, refused):
    folder = copied(run, tmp_path / "copy")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, locks.__file__, str(folder), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        if refused:
            with pytest.raises(FolderInUseError, match=f"in use: process {holder.pid} "):
                write_report([folder])
        else:
            assert write_report([folder]).is_file()
    finally:
        holder.communicate("")
    assert write_report([folder]).is_file()
