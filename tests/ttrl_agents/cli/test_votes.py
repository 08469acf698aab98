"""`ttrl votes` and `ttrl revote`, as they are called."""

import json
from dataclasses import replace

import pytest
from evaluations_made_up import made_up_result
from small_runs import small

from ttrl_agents.cli.entry import main
from ttrl_agents.evaluate import Evaluation, EvaluationFolder
from ttrl_agents.run.votes import read_votes
from ttrl_agents.trainer import Trainer

HOSTILE = "\x1b]0;owned\x07\u202e[bold]7[/bold]\n8"


def run(capsys, *arguments):
    status = main(list(map(str, arguments)))
    return status, capsys.readouterr()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of a few steps, with its evaluations."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    options = {"size": 6, "levels": [1, 2]}
    config = small(folder, steps=4, evaluate=True, eval_k=4, env_options=options)
    Trainer(config).run()
    return folder


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_the_votes_of_a_run_with_their_temperature(capsys, trained):
    status, printed = run(capsys, "votes", trained)
    assert status == 0, printed.err
    groups = read_votes(trained)
    questions = {group.question_id for group in groups}
    assert f"{len(questions)} questions in 4 steps, T 1, top-p 1" in printed.out
    assert "another answer elected at the last visit than at the first" in printed.out
    assert "The most divided questions:" in printed.out
    status, printed = run(capsys, "votes", trained, "--json")
    found = json.loads(printed.out)
    assert found["temperature"] == 1.0
    assert {each["question_id"] for each in found["questions"]} == questions
    for each in found["questions"]:
        visits = [group for group in groups if group.question_id == each["question_id"]]
        assert each["visits"] == len(visits)
        assert each["last"]["absent"] == visits[-1].absent
        changed = visits[0].answers[visits[0].majority].key != (
            visits[-1].answers[visits[-1].majority].key
        )
        assert (each["question_id"] in found["turned"]) == changed


def test_the_course_of_one_question(capsys, trained):
    question = read_votes(trained)[0].question_id
    visits = [group for group in read_votes(trained) if group.question_id == question]
    status, printed = run(capsys, "votes", trained, "--question", question)
    assert status == 0, printed.err
    assert len(printed.out.splitlines()) == 2 + len(visits)
    assert f"  step {visits[-1].step}: " in printed.out
    status, printed = run(capsys, "votes", trained, "--question", question[:-1])
    assert status == 1
    assert question in printed.err


def test_the_votes_of_an_evaluation(capsys, trained):
    status, printed = run(capsys, "votes", trained / "evaluations" / "before", "--questions", 1)
    assert status == 0, printed.err
    assert printed.out.count("questions, T 0.6, top-p 0.95") == 2  # trained and held out
    assert printed.out.count("The most divided questions:\n  ") == 2


def test_what_a_model_wrote_reaches_the_terminal_as_plain_text(capsys, tmp_path):
    results = (made_up_result(HOSTILE, [HOSTILE, HOSTILE, "1", None]),)
    config = {"benchmark": "b", "k": 4, "temperature": 0.6, "top_p": 0.95}
    EvaluationFolder.write(tmp_path / "one", config, Evaluation(results))
    for options in ([], ["--json"]):
        status, printed = run(capsys, "votes", tmp_path / "one", *options)
        assert status == 0, printed.err
        assert not set("\x1b\x07\u202e") & set(printed.out)
    status, printed = run(capsys, "votes", tmp_path / "one")
    assert "\\x1b]0;owned\\x07\\u202e[… ×2, 1 ×1, no answer ×1 (wrong)" in printed.out


def test_every_reward_side_by_side(capsys, trained):
    status, printed = run(capsys, "revote", trained)
    assert status == 0, printed.err
    for words in ("label accuracy", "reward accuracy", "majority  ", "oracle", "Not computable: "):
        assert words in printed.out
    assert printed.out.count("x 4 votes, T 0.6, top-p 0.95") == 2
    status, printed = run(capsys, "revote", trained, "--reward", "majority", "scrl", "--json")
    first = json.loads(printed.out.splitlines()[0])
    summary = json.loads((trained / "summary.json").read_text())["after"]["train"]
    assert first["rewards"]["majority"]["label_accuracy"] == pytest.approx(summary["maj@4"])
    assert list(first["not_computable"]) == ["scrl"]
    assert len(first["pseudo_labels"]) == first["questions"] == summary["questions"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--reward", "majorty"], "Did you mean 'majority'"),
        (["--reward", "scrl"], "No reward can be computed on"),
        (["--reward"], "--reward needs a name, or all"),
    ],
)
def test_a_mistake_ends_in_one_sentence(capsys, trained, arguments, expected):
    status, printed = run(capsys, "revote", trained, *arguments)
    assert status == 1
    assert expected in printed.err


@pytest.mark.parametrize("command", ["votes", "revote"])
def test_a_folder_without_votes_says_what_it_takes(capsys, tmp_path, command):
    status, printed = run(capsys, command, tmp_path / "nothing")
    assert status == 1
    assert "There is no folder" in printed.err
    status, printed = run(capsys, command, tmp_path)
    assert status == 1
    assert "There is no evaluation in" in printed.err
    assert "Name the output folder of ttrl eval" in printed.err


def test_a_run_without_a_step_says_so(capsys, tmp_path):
    config = small(tmp_path / "run", steps=0)
    Trainer(replace(config, evaluate=False)).run()
    (tmp_path / "run" / "votes.jsonl").touch()
    status, printed = run(capsys, "votes", tmp_path / "run")
    assert status == 1
    assert "has not finished a step yet" in printed.err
