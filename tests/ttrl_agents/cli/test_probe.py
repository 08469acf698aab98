"""`ttrl probe`, as it is called."""

import json
import shutil
import signal

import pytest
from evaluations_made_up import made_up_evaluation, made_up_result

from ttrl_agents.cli.entry import main
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.config.probe_config import ProbeConfig
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.evaluate import Evaluation, EvaluationFolder
from ttrl_agents.evaluate.display import EvaluationDisplay

SMALL = ["--limit", "4", "--n-votes", "4", "--max-tokens", "64"]


def run(capsys, *arguments):
    status = main(list(map(str, arguments)))
    return status, capsys.readouterr()


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    """The votes of a probe of the tiny reasoner."""
    folder = tmp_path_factory.mktemp("probes") / "one"
    assert main(["probe", "tiny", *SMALL, "--output", str(folder)]) == 0
    return folder


def write(folder, evaluation, **changed):
    config = {"benchmark": "b", "model": "m", "k": evaluation.k, "temperature": 0.6, "top_p": 0.95}
    EvaluationFolder.write(folder, config | changed, evaluation)
    return folder


def test_it_says_the_verdict_with_its_reasons_and_the_temperature(capsys, probed):
    status, printed = run(capsys, "probe", "--votes", probed)
    assert status == 0, printed.err
    for words in (
        "tiny on arithmetic: 4 questions x 4 votes, T 1, top-p 1",
        "majority ratio",
        "agreement beyond chance",
        "Verdict, without labels: ",
        "With the labels of 4 questions:",
        "steps of the full learning rate",
    ):
        assert words in printed.out
    # The votes are an evaluation like any other.
    assert run(capsys, "votes", probed)[0] == 0


def test_json_has_what_is_printed_and_progress_goes_elsewhere(capsys, probed, tmp_path):
    status, printed = run(capsys, "probe", "tiny", *SMALL, "--json", "--output", tmp_path / "two")
    assert status == 0
    found = json.loads(printed.out)
    assert "TTRL: measuring" in printed.err
    assert (found["model"], found["benchmark"]) == ("tiny", "arithmetic")
    assert (found["temperature"], found["top_p"], found["seed"]) == (1.0, 1.0, 0)
    assert found["verdict"] in ("fit", "doubtful", "unfit")
    assert {each["indicator"] for each in found["reasons"]} == {
        "sample",
        "absent",
        "truncated",
        "agreement",
        "reproducible",
        "room",
        "teaching",
    }
    assert found["votes"]["n_votes"] == found["votes"]["questions"] == 4
    assert found["labels"]["graded"] == 4
    status, printed = run(capsys, "probe", "--votes", probed, "--json")
    assert json.loads(printed.out) == {**found, "folder": str(probed)}


def test_without_labels_it_says_what_the_votes_cannot(capsys, tmp_path):
    results = tuple(made_up_result(name, ["1", "1", "2", "3"], label=None) for name in "abc")
    folder = write(tmp_path / "one", Evaluation(results))
    status, printed = run(capsys, "probe", "--votes", folder)
    assert status == 0
    assert "so nothing shows whether the votes are right" in printed.out
    assert "T 0.6, top-p 0.95" in printed.out
    status, printed = run(capsys, "probe", "--votes", folder, "--json")
    assert json.loads(printed.out)["labels"] is None


def test_votes_of_an_evaluation_that_does_not_name_its_model_are_votes_too(capsys, tmp_path):
    results = Evaluation(tuple(made_up_result(name, ["1", "1", "2", "3"]) for name in "abc"))
    config = {"benchmark": "b", "k": 4, "temperature": 0.6, "top_p": 0.95}
    EvaluationFolder.write(tmp_path / "one", config, results)
    status, printed = run(capsys, "probe", "--votes", tmp_path / "one")
    assert status == 0, printed.err
    assert "A model on b: 3 questions" in printed.out
    status, printed = run(capsys, "probe", "--votes", tmp_path / "one", "--json")
    assert json.loads(printed.out)["model"] is None


def test_one_that_was_interrupted_goes_on(capsys, tmp_path, monkeypatch, probed):
    folder = tmp_path / "halted"

    def press(display, count):
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as pressed:
        pressed.setattr(EvaluationDisplay, "on_tokens", press)
        status, printed = run(capsys, "probe", "tiny", *SMALL, "--output", folder)
    assert status == 130
    assert f"ttrl probe --votes {folder}" in printed.err
    status, printed = run(capsys, "probe", "--votes", folder)
    assert status == 0, printed.err
    completions = "completions.jsonl"
    assert (folder / completions).read_bytes() == (probed / completions).read_bytes()


def test_a_probe_samples_as_training_does_and_asks_as_an_evaluation_does(tmp_path):
    config = ProbeConfig(model="tiny-noisy", levels=(2,), n_votes=8, instruction="Answer.")
    asked = config.evaluation()
    assert isinstance(asked, EvalConfig)
    assert (asked.k, asked.temperature, asked.top_p, asked.max_tokens) == (8, 1.0, 1.0, 256)
    assert (asked.model, asked.levels, asked.instruction) == ("tiny-noisy", (2,), "Answer.")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["tinny"], "Did you mean 'tiny'"),
        (["--n-votes", "1"], "--n-votes must be 2 or more, not 1"),
        (["--temperature", "0"], "--temperature must be 0.001 or more"),
        (["tiny-noisy", "--votes", "somewhere"], "leave out others"),
        (["--votes", "/no/such/folder"], "There is no folder /no/such/folder"),
        (["--url", "http://localhost:1"], "is for --sampler vllm-server"),
    ],
)
def test_a_mistake_ends_in_one_sentence(capsys, tmp_path, monkeypatch, arguments, expected):
    monkeypatch.chdir(tmp_path)
    status, printed = run(capsys, "probe", *arguments)
    assert status == 1
    assert expected in printed.err
    assert printed.err.startswith("ttrl: ")


def test_of_a_run_it_takes_the_initial_policy_at_the_temperature_of_the_training(capsys, tmp_path):
    config = TrainConfig(temperature=0.8)
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict()))
    for moment, temperature, answer in (
        ("after", 0.6, "1"),
        ("before", 0.6, "2"),
        ("before/T0.8-top-p1", 0.8, "3"),
    ):
        results = tuple(made_up_result(name, [answer, "1", "7", "8"]) for name in "ab")
        folder = tmp_path / "evaluations" / moment / "train"
        write(folder, Evaluation(results), temperature=temperature, top_p=1.0)
    status, printed = run(capsys, "probe", "--votes", tmp_path, "--json")
    assert status == 0, printed.err
    found = json.loads(printed.out)
    assert found["folder"] == str(tmp_path / "evaluations" / "before" / "T0.8-top-p1" / "train")
    assert found["temperature"] == 0.8
    shutil.rmtree(tmp_path / "evaluations" / "before" / "T0.8-top-p1")
    found = json.loads(run(capsys, "probe", "--votes", tmp_path, "--json")[1].out)
    assert found["folder"] == str(tmp_path / "evaluations" / "before" / "train")


def test_a_greedy_evaluation_that_was_interrupted_is_not_finished_in_vain(
    capsys, tmp_path, monkeypatch
):
    folder = tmp_path / "halted"

    def press(display, count):
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as pressed:
        pressed.setattr(EvaluationDisplay, "on_tokens", press)
        status, _ = run(
            capsys, "eval", "tiny", "--greedy", "--limit", "2", "--max-tokens", "64",
            "--output", folder,
        )  # fmt: skip
    assert status == 130
    before = (folder / "completions.jsonl").read_bytes()
    status, printed = run(capsys, "probe", "--votes", folder)
    assert status == 1
    assert "one vote on each question" in printed.err
    assert (folder / "completions.jsonl").read_bytes() == before


def test_one_vote_on_each_question_says_what_to_do(capsys, tmp_path):
    folder = write(tmp_path / "greedy", made_up_evaluation({"a": 1, "b": 0}, k=1))
    status, printed = run(capsys, "probe", "--votes", folder)
    assert status == 1
    assert "one vote on each question" in printed.err
