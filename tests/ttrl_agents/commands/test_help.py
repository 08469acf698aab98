"""`--help`: every option is there, in lines that are as long as the terminal lets them be."""

from itertools import pairwise

import pytest

from ttrl_agents.cli import main


def help_of(capsys, monkeypatch, *command, columns=80):
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_a_sentence_is_broken_only_where_the_line_is_full(capsys, monkeypatch, columns):
    for command in ("train", "eval", "compare"):
        printed = help_of(capsys, monkeypatch, command, columns=columns)
        entries = [line[1:-1] for line in printed.splitlines() if line.startswith("│")]
        for line, below in pairwise(entries):
            word = below.split()[0]
            indent = len(below) - len(below.lstrip())
            if indent != len(line) - len(line.lstrip()) or word.startswith("-") or indent < 4:
                continue  # another option, or its first line
            assert len(line.rstrip()) + 1 + len(word) > len(line) - 1, (line, below)


def test_arguments_are_called_by_their_names(capsys, monkeypatch):
    for command, names in {
        "eval": "[MODEL]",
        "compare": "A B",
        "fetch": "NAME",
        "rewards": "[NAME]",
        "grade": "GOLD ANSWER",
        "extract": "[TEXT]",
    }.items():
        usage = help_of(capsys, monkeypatch, command, columns=200).splitlines()[0]
        assert names in usage
        assert "STR" not in usage.replace("[STR [STR ...]]", "")
