"""`ttrl grade` and `ttrl extract`: what they say, and the status that scripts read."""

import io

import pytest

from ttrl_agents.cli.entry import main


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["grade", "\\frac12", "0.5"], 0, "equal: both have the key 1/2"),
        (["grade", "1/2", "0.25"], 1, "different: the keys differ"),
        (["grade", "(x+1)^2", "x^2+2x+1", "--prove"], 0, "SymPy: proved: "),
        (["grade", r"\ln|x|", r"\ln x", "--prove"], 1, "SymPy: refuted: at x = -3/2 they are"),
        (["grade", "1@2", "3"], 1, "not a formula: unexpected '@'"),
        (["grade", "(B)", "b", "--format", "choice"], 0, "equal"),
        (["extract", "so it is \\boxed{37}"], 0, "answer '37'"),
        (["extract", "I give up", "--format", "integer"], 1, "no answer"),
    ],
)
def test_the_status_is_the_verdict(capsys, arguments, status, said):
    assert main(arguments) == status
    assert said in capsys.readouterr().out


def test_a_completion_is_read_from_standard_input(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("thus \\boxed{5}\n"))
    assert main(["extract"]) == 0
    assert "answer '5'" in capsys.readouterr().out
