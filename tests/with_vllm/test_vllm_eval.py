"""`ttrl eval` with an engine, and with a server: the same answers as from the model itself."""

import json

import pytest

from ttrl_agents.cli.eval import evaluate
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.runner import EvaluationRun

OPTIONS = {"limit": 6, "greedy": True, "device": "cpu", "portion": 3, "max_tokens": 64}


def texts_of(folder):
    lines = (folder / "completions.jsonl").read_text().splitlines()
    return [json.loads(line)["text"] for line in lines]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected") / "run"
    evaluate(EvalConfig(output=folder, **OPTIONS))
    return texts_of(folder)


def test_an_engine(expected, tmp_path):
    folder = tmp_path / "run"
    evaluate(EvalConfig(sampler="vllm", output=folder, **OPTIONS))
    assert texts_of(folder) == expected
    assert json.loads((folder / "summary.json").read_text())["questions"] == 6


def test_a_server_and_going_on_with_it(expected, server, tmp_path):
    config = EvalConfig(
        model="-", sampler="vllm-server", url=server, output=tmp_path / "run", **OPTIONS
    )
    evaluate(config)
    assert texts_of(tmp_path / "run") == expected
    settings = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (settings["model"], settings["weights"]) == ("tiny", None)
    # Stopped after the first portion: the rest is asked again.
    lines = (tmp_path / "run" / "completions.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "run" / "completions.jsonl").write_text("".join(lines[:3]))
    (tmp_path / "run" / "summary.json").unlink()
    evaluate(EvalConfig(), resume=tmp_path / "run")
    assert texts_of(tmp_path / "run") == expected


def test_a_server_with_too_little_room_asks_for_a_limit(server, tmp_path):
    config = EvalConfig(model="tiny", sampler="vllm-server", url=server, output=tmp_path / "run")
    with pytest.raises(AgentError, match=r"room for 512 tokens.*--max-tokens"):
        EvaluationRun(config)
