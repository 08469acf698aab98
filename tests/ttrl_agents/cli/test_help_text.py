"""`--help`: every option is there, in lines that are as long as the terminal lets them be."""

import re
from dataclasses import fields
from itertools import pairwise

import pytest

from ttrl_agents.cli.entry import main
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.config.serialization import option_name
from ttrl_agents.config.train_config import TrainConfig


def help_of(capsys, monkeypatch, *command, columns=80):
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(("command", "options"), [("train", TrainConfig), ("eval", EvalConfig)])
def test_every_option_is_documented_to_its_last_word(capsys, monkeypatch, command, options):
    printed = re.sub(r"[│\s]", "", help_of(capsys, monkeypatch, command))
    for each in fields(options):
        assert each.name == "model" or option_name(each.name) in printed
        text = each.metadata["help"]
        assert len(text.split()) >= 2
        assert re.sub(r"\s", "", text) in printed, each.name
    assert "--resume" in printed  # an argument of the command itself


def test_compare_has_its_own(capsys, monkeypatch):
    printed = help_of(capsys, monkeypatch, "compare")
    assert "--force" in printed
    assert "--changed" in printed


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
