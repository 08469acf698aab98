"""The errors of the three packages have one root, and none is a kind of another."""

import itertools

import pytest

from ttrl_agents.cli.entry import main
from ttrl_agents.errors import AgentError
from ttrl_benchmarks import BenchmarkError, UnknownNameError, UserError
from ttrl_env.consensus import RewardError

KINDS = (BenchmarkError, UnknownNameError, RewardError, AgentError)


def test_every_error_is_a_user_error_and_no_kind_is_another():
    assert all(issubclass(kind, UserError) for kind in KINDS)
    pairs = itertools.permutations(KINDS, 2)
    assert [(a, b) for a, b in pairs if issubclass(a, b)] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--env", "TTRL-Arithmetik-v0"],  # an unknown name
        ["train", "--env-options", "size=0"],  # of a benchmark
        ["train", "--reward", "majority(min_ratio=7)"],  # of a reward
        ["eval", "--limit", "0"],  # of an option
        ["compare", "a", "b"],  # of an argument
    ],
)
def test_the_command_prints_any_of_them_in_a_sentence(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("ttrl: ")
    assert "Traceback" not in printed
    assert list(tmp_path.iterdir()) == []
