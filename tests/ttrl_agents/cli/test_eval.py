"""`ttrl eval` and `ttrl compare`, as they are called."""

import io
import json
import re
import shutil
import signal
import subprocess
import sys
from typing import ClassVar

import pytest
from evaluations_made_up import made_up_result
from rich.console import Console

from ttrl_agents.cli.entry import main
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.evaluate import Evaluation, EvaluationFolder
from ttrl_agents.evaluate.display import EvaluationDisplay
from ttrl_agents.evaluate.runner import EvaluationRun

FILES = ("completions.jsonl", "questions.jsonl", "summary.json")
# Runs the command line and dies, without a chance to tidy up, in the second portion's third line.
KILLED = """
import os, signal, sys
from ttrl_agents.cli.entry import main
from ttrl_agents.evaluate.folder import EvaluationFolder
from ttrl_agents.evaluate.results import to_lines

real = EvaluationFolder.append

def append(folder, results):
    if not folder.completions_path.read_text():
        return real(folder, results)
    lines = "".join(map(to_lines, results)).splitlines(keepends=True)
    with folder.completions_path.open("a") as file:
        file.write("".join(lines[:2]) + lines[2][:20])
    os.kill(os.getpid(), signal.SIGKILL)

EvaluationFolder.append = append
main(sys.argv[1:])
"""


def run(capsys, *arguments):
    status = main(list(map(str, arguments)))
    return status, capsys.readouterr()


def measure(capsys, folder, *options):
    status, printed = run(
        capsys, "eval", "tiny", "--k", 4, "--limit", 10, "--output", folder, *options
    )
    assert status == 0, printed.err
    return printed.out


def same(one, other):
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in FILES)


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_it_prints_scores_and_saves_every_completion(capsys, tmp_path):
    out = measure(capsys, tmp_path / "one")
    for words in ("mean@4", "maj@4", "pass@2", "level 5", "finished", "T 0.6, top-p 0.95"):
        assert words in out
    lines = (tmp_path / "one" / "completions.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 40
    assert {row["level"] for row in rows} == {1, 2, 3, 4, 5}  # the limit is spread evenly
    assert [row["member"] for row in rows[:5]] == [0, 1, 2, 3, 0]
    for row in rows:
        assert f"\\boxed{{{row['answer']}}}" in row["text"] or not row["finished"]
    summary = json.loads((tmp_path / "one" / "summary.json").read_text())
    assert summary["mean@4"] == pytest.approx(sum(row["correct"] for row in rows) / 40)
    assert summary["mean_tokens"] == pytest.approx(sum(row["tokens"] for row in rows) / 40)
    config = json.loads((tmp_path / "one" / "config.json").read_text())
    assert (config["temperature"], config["top_p"], config["k"]) == (0.6, 0.95, 4)


def test_the_same_command_again_prints_the_same_and_another_is_refused(capsys, tmp_path):
    folder = tmp_path / "one"
    first = measure(capsys, folder)
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)
    again = measure(capsys, folder)
    assert "10 questions done already" in again
    assert again.split("mean [95")[1] == first.split("mean [95")[1]
    assert same(folder, kept)
    status, printed = run(capsys, "eval", "tiny", "--k", 2, "--limit", 10, "--output", folder)
    assert status == 1
    assert "k was 4, is 2" in printed.err


def test_a_folder_of_something_else_is_refused_before_the_model_is_loaded(
    capsys, tmp_path, monkeypatch
):
    def load(*_, **__):
        raise AssertionError("loaded for nothing")

    monkeypatch.setattr("ttrl_agents.evaluate.models.load_policy", load)
    (tmp_path / "precious").write_text("mine")
    status, printed = run(capsys, "eval", "tiny", "--output", tmp_path)
    assert status == 1
    assert "is not an empty folder; name a new one" in printed.err
    (tmp_path / "config.json").write_text('{"env": "TTRL-Arithmetic-v0", "steps": 300}')
    status, printed = run(capsys, "eval", "tiny", "--output", tmp_path)
    assert status == 1
    assert "config.json is of another kind" in printed.err


OPTIONS = ["--k", "4", "--limit", "10", "--portion", "1"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An evaluation that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole") / "one"
    assert main(["eval", "tiny", *OPTIONS, "--output", str(folder)]) == 0
    return folder


def test_one_that_was_interrupted_goes_on_to_the_same_bytes(capsys, tmp_path, monkeypatch, whole):
    folder = tmp_path / "halted"
    completions = folder / "completions.jsonl"

    def press(display, count):
        if completions.read_text().count("\n") == 12:  # within the fourth question
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as pressed:
        pressed.setattr(EvaluationDisplay, "on_tokens", press)
        status, printed = run(capsys, "eval", "tiny", *OPTIONS, "--output", folder)
    assert status == 130
    assert "3 of 10 questions are saved" in printed.err
    assert f"ttrl eval --resume {folder}" in printed.err
    assert not (folder / "summary.json").exists()
    with completions.open("a") as file:
        file.write('{"question_id": "torn')  # as a kill in the midst of a line leaves it
    status, printed = run(capsys, "eval", "--resume", folder)
    assert status == 0, printed.err
    assert "3 questions done already" in printed.out
    assert same(folder, whole)


def test_one_that_was_killed_while_it_wrote_goes_on_to_the_same_bytes(capsys, tmp_path, whole):
    folder = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, "eval", "tiny", *OPTIONS, "--output", str(folder)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (folder / "completions.jsonl").read_bytes().count(b"\n") == 6
    status, printed = run(capsys, "eval", "--resume", folder)
    assert status == 0, printed.err
    assert same(folder, whole)


def test_greedy_asks_once(capsys, tmp_path):
    out = measure(capsys, tmp_path / "one", "--greedy")
    assert "greedy" in out
    assert "mean@1" in out
    # Of one completion the other scores are the same, and it is the majority.
    assert not any(each in out for each in ("maj@1", "pass@1", "majority holds"))
    assert len((tmp_path / "one" / "completions.jsonl").read_text().splitlines()) == 10


def test_levels_splits_and_parts_draw_what_the_whole_draws(tmp_path):
    whole = EvaluationRun(EvalConfig(k=2, output=tmp_path / "a"))
    part = EvaluationRun(EvalConfig(k=2, output=tmp_path / "b", levels=(2, 4), limit=7))
    held_out = EvaluationRun(EvalConfig(k=2, output=tmp_path / "c", split="held_out"))
    assert {each.level for each in part.questions} == {2, 4}
    assert len(part.questions) == 7
    assert set(part.questions) <= set(whole.questions)
    assert part.params == whole.params
    assert not set(held_out.questions) & set(whole.questions)


def test_without_labels_the_votes_are_reported(capsys, tmp_path):
    questions = tmp_path / "questions.jsonl"
    prompts = ["Tom has 3 apples and buys 4. How many apples has he?", "What is 2 + 2?"]
    questions.write_text("".join(json.dumps({"question": each}) + "\n" for each in prompts))
    folder = tmp_path / "one"
    options = ["--env", "TTRL-Questions-v0", "--data", questions, "--max-tokens", 60]
    out = measure(capsys, folder, *options)
    assert "Nothing could be graded: none of the 2 questions has a label" in out
    assert "questions/0" in out
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["graded"] == 0
    assert 0 < summary["majority_ratio"] <= 1
    assert not any(name.startswith(("mean@", "maj@", "pass@")) for name in summary)
    status, printed = run(capsys, "compare", folder, folder)
    assert status == 1
    assert "has a label" in printed.err


def test_two_are_compared(capsys, tmp_path):
    measure(capsys, tmp_path / "cool")
    measure(capsys, tmp_path / "hot", "--temperature", 2, "--top-p", 1)
    status, printed = run(capsys, "compare", tmp_path / "cool", tmp_path / "hot")
    assert status == 1
    assert "temperature is 0.6 in the one and 2.0 in the other" in printed.err
    status, printed = run(capsys, "compare", tmp_path / "cool", tmp_path / "hot", "--force")
    assert status == 0
    for words in ("10 shared questions", "mean@4", "maj@4", "level 3", "win/tie/loss", "changed"):
        assert words in printed.out
    assert "Not measured alike: temperature" in printed.out
    assert re.search(r"of the difference: mean@4 0\.\d{3}, maj@4 0\.\d{3}\n", printed.out)


def test_a_part_is_compared_with_the_whole_and_served_weights_are_unknown(capsys, tmp_path):
    whole = tuple(made_up_result(name, ["1", name]) for name in "abc")
    config = {"benchmark": "b", "k": 2, "temperature": 0.6, "top_p": 0.95, "model": "tiny"}
    EvaluationFolder.write(tmp_path / "a", config | {"weights": "0123456789"}, Evaluation(whole))
    EvaluationFolder.write(tmp_path / "b", config | {"weights": None}, Evaluation(whole[1:]))
    status, printed = run(capsys, "compare", tmp_path / "a", tmp_path / "b")
    assert status == 0, printed.err
    assert "B less A on 2 shared questions" in printed.out
    assert "(model tiny, weights 01234567; 2 of its 3 questions)" in printed.out
    assert "(model tiny)" in printed.out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["eval", "tinny"], "Did you mean 'tiny'"),
        (["eval", "--env", "TTRL-AIM24-v0"], "Did you mean 'TTRL-AIME24-v0'"),
        (["eval", "--k", "0"], "--k must be 1 or more, not 0"),
        (["eval", "--top-p", "0"], "--top-p must be in (0, 1]"),
        (["eval", "--levels", "9"], "levels [1, 2, 3, 4, 5]"),
        (["eval", "--max-tokens", "4096"], "512 positions of model 'tiny'"),
        (["eval", "--env", "TTRL-ReasoningGym-v0", "--split", "train"], "no split of its own"),
        (["eval", "--resume", "/no/such/folder"], "There is no evaluation in /no/such/folder"),
        (["eval", "--k", "2", "--resume", "/no/such/folder"], "leave out the others"),
        (["compare", "/no/such", "/folder"], "There is no folder /no/such"),
    ],
)
def test_a_mistake_ends_in_one_sentence(capsys, tmp_path, monkeypatch, arguments, expected):
    monkeypatch.chdir(tmp_path)
    status, printed = run(capsys, *arguments)
    assert status == 1
    assert expected in printed.err
    assert printed.err.startswith("ttrl: ")


def test_the_display_counts_and_gives_the_terminal_back(tmp_path):
    config = EvalConfig(k=2, limit=4, portion=2, output=tmp_path / "one", max_tokens=64)
    terminal = io.StringIO()
    display = EvaluationDisplay(Console(file=terminal, force_terminal=True, width=100))
    evaluation_run = EvaluationRun(config)
    display.start(evaluation_run)
    evaluation, _ = evaluation_run.run(display)
    display.finish(evaluation_run, evaluation)
    shown = terminal.getvalue()
    assert "4/4" in shown
    assert "tokens/s" in shown
    assert shown.rstrip().endswith("report.html.")


def test_progress_moves_by_question_while_all_are_sampled_together(tmp_path):
    class Watcher:
        counts: ClassVar = []

        def on_tokens(self, count):
            pass

        def on_questions(self, done):
            self.counts.append(done)

    config = EvalConfig(k=2, limit=12, portion=12, output=tmp_path / "one", max_tokens=64)
    EvaluationRun(config).run(Watcher())
    assert Watcher.counts == sorted(Watcher.counts)
    assert Watcher.counts[0] == 0
    assert Watcher.counts[-1] == 12
    assert len(set(Watcher.counts)) > 3
