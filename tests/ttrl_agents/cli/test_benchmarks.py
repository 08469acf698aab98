"""`ttrl benchmarks` and `ttrl fetch`: a list that fits a terminal, and mistakes in a sentence."""

import pytest

from ttrl_agents.cli.entry import main
from ttrl_benchmarks import list_benchmarks


def test_every_row_is_whole_at_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["benchmarks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    for row in list_benchmarks():
        (line,) = [each for each in lines if each.split()[0] == row.name]
        assert line.split()[1] == row.env_id
        assert row.answer_format in line.split()


def test_what_is_here_is_told_from_what_is_not(capsys, monkeypatch, data_dir):
    monkeypatch.setenv("TTRL_DATA_DIR", str(data_dir))
    assert main(["benchmarks"]) == 0
    here = {line.split()[0]: line.split()[-1] for line in capsys.readouterr().out.splitlines()}
    assert here["aime24"] == "yes"
    assert here["arithmetic"] == "generated"
    assert here["questions"] == "--data"


@pytest.mark.parametrize(
    ("name", "said"), [("aime42", "Did you mean"), ("arithmetic", "nothing to download")]
)
def test_what_cannot_be_fetched_is_said(capsys, name, said):
    assert main(["fetch", name]) == 1
    assert said in capsys.readouterr().err
