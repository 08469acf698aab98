"""`--help`: every option is there, in groups, in lines that are as long as the terminal allows."""

import inspect
import re
import subprocess
import sys
from dataclasses import fields
from itertools import pairwise

import pytest

from ttrl_agents.cli.command_options import describe_command
from ttrl_agents.cli.commands import commands_for
from ttrl_agents.cli.entry import main
from ttrl_agents.cli.help_page import NARROWEST, help_asked
from ttrl_agents.cli.help_text import texts_of_fields, texts_of_headings
from ttrl_agents.config.algorithms import Algorithm
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.config.groups import groups_of
from ttrl_agents.config.serialization import option_name
from ttrl_agents.config.train_config import TrainConfig

COMMANDS = sorted(commands_for([]))
# Prints every page at widths at which a formatter may loop.
NARROW = """
import os
from ttrl_agents.cli.entry import main
for columns in ("1", "2", "3", "5", "8", "0", "-4", "wide"):
    os.environ["COLUMNS"] = columns
    for arguments in ([], ["train", "--help-all"], ["eval", "-h"], ["benchmarks"], ["rewards"]):
        assert main(arguments) == 0
"""


def page(capsys, monkeypatch, *arguments, columns=80):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(list(arguments)) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


@pytest.mark.parametrize("options", [TrainConfig, EvalConfig])
def test_every_option_has_a_group_and_a_help_text(options):
    grouped = {name for group in groups_of(options) for name in group.options}
    for name, text in texts_of_fields(options, Algorithm).items():
        assert name in grouped
        assert len(text.split()) >= 2, f"{options.__name__}.{name} has no help text below it"
    assert set(options.common) <= grouped


def test_the_groups_of_training_say_what_they_have_in_common():
    assert all(texts_of_headings(TrainConfig).values())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_parameter_of_every_command_has_a_help_text(name):
    described = describe_command(commands_for([])[name])
    assert described.summary.endswith(".")
    options = [each for group in described.groups for each in group.options]
    for each in (*described.arguments, *options):
        assert len(each.text.split()) >= 2, each.spelling


@pytest.mark.parametrize(("command", "options"), [("train", TrainConfig), ("eval", EvalConfig)])
def test_every_option_is_documented_to_its_last_word(capsys, monkeypatch, command, options):
    printed = re.sub(r"\s", "", page(capsys, monkeypatch, command, "--help-all"))
    for name, text in texts_of_fields(options, Algorithm).items():
        assert (name == "model" and command == "eval") or option_name(name) in printed
        assert re.sub(r"\s", "", text) in printed, name
    assert "--resumePATH" in printed  # an option of the command itself


def test_the_short_help_has_the_common_options_and_says_how_to_see_the_rest(capsys, monkeypatch):
    short = page(capsys, monkeypatch, "train", "--help")
    shown = set(re.findall(r"^  (--[\w-]+)", short, re.MULTILINE))
    assert shown == {option_name(name) for name in TrainConfig.common} | {"--config", "--resume"}
    assert len(TrainConfig.common) <= 25
    own = set(inspect.signature(commands_for([])["train"]).parameters) - {"options"}
    total = len(fields(TrainConfig)) + len(own)
    assert f"ttrl train --help-all shows all {total}" in " ".join(short.split())
    every = page(capsys, monkeypatch, "train", "--help-all")
    assert "These are the common options" not in every


def test_options_stand_under_the_titles_of_their_groups(capsys, monkeypatch):
    printed = page(capsys, monkeypatch, "train", "--help-all")
    titles = [group.title for group in groups_of(TrainConfig)]
    lines = printed.splitlines()
    assert [line for line in lines if line in titles] == titles
    below = printed.split("\noptimizer\n")[1].split("\nevaluation\n")[0]
    assert "--learning-rate NUMBER" in below
    assert "--eval-k" not in below
    assert "--gpus INT" in printed.split("\ndistributed\n")[1]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["(default: TTRL-Arithmetic-v0)", "(default: 0.2, of grpo)", "(default: 100)"]),
        (["--algorithm", "dapo"], ["(default: 0.28, of dapo)", "(given: dapo)"]),
        (["--clip-high", "0.4"], ["(given: 0.4)"]),
        (["--preset", "paper/amc"], ["(default: TTRL-AMC-v0)", "(default: warmup-cosine)"]),
        (["--env-options", "level=3"], ["(given: level=3)"]),
        (["--n-votes", "1"], ["(default: 16)"]),  # a line that raises has help too
        (["--stpes", "3"], ["(default: 100)"]),
        (["--steps", "many"], ["(default: 100)"]),
    ],
)
def test_the_values_that_hold_are_shown(capsys, monkeypatch, arguments, expected):
    printed = page(capsys, monkeypatch, "train", *arguments, "--help-all")
    for words in expected:
        assert words in " ".join(printed.split())
    assert "None" not in printed


def test_a_flag_shows_the_spelling_that_changes_something(capsys, monkeypatch):
    printed = page(capsys, monkeypatch, "train", "--help-all")
    assert "  --evaluate, --no-evaluate\n" in printed
    assert "  --stop-at-box  " in printed
    assert "--no-stop-at-box" not in printed


@pytest.mark.parametrize("columns", [60, 80, 100])
@pytest.mark.parametrize("command", ["train", "eval", "compare"])
def test_a_sentence_is_broken_only_where_the_line_is_full(capsys, monkeypatch, columns, command):
    lines = page(capsys, monkeypatch, command, "--help-all", columns=columns).splitlines()
    for line, below in pairwise(lines):
        assert len(line) <= columns
        indent = len(below) - len(below.lstrip())
        if indent < 6 or indent != len(line) - len(line.lstrip()):
            continue  # another option, or its first line
        assert len(line) + 1 + len(below.split()[0]) > columns, (line, below)


def test_help_ends_however_narrow_the_terminal_is():
    done = subprocess.run(
        [sys.executable, "-c", NARROW], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    helped = done.stdout.split("name\n")[0].splitlines()  # the tables come after
    assert max(map(len, helped[:400])) <= max(NARROWEST, len("paper/aime24"))


def test_arguments_are_called_by_their_names(capsys, monkeypatch):
    for command, names in {
        "eval": "[MODEL]",
        "compare": "A B",
        "fetch": "NAME",
        "rewards": "[NAME]",
        "grade": "GOLD ANSWER",
        "extract": "[TEXT]",
    }.items():
        usage = page(capsys, monkeypatch, command, "--help", columns=200).splitlines()[0]
        assert usage == f"usage: ttrl {command} {names} [OPTIONS]"


def test_the_first_page_lists_every_command(capsys, monkeypatch):
    printed = page(capsys, monkeypatch)
    assert page(capsys, monkeypatch, "--help") == printed
    for name in COMMANDS:
        assert re.search(rf"^  {name}  ", printed, re.MULTILINE)
    assert "ttrl COMMAND --help" in printed


@pytest.mark.parametrize("arguments", [["trian"], ["trian", "--help"]])
def test_a_command_that_does_not_exist_is_an_error_that_names_a_similar_one(capsys, arguments):
    assert main(arguments) == 1
    assert "Unknown command 'trian'. Did you mean 'train'" in capsys.readouterr().err


def test_text_after_two_dashes_does_not_ask_for_help():
    assert help_asked(["extract", "--", "-h"]) is None
    assert help_asked(["train", "--steps", "3", "-h"]) == "common"


def test_an_option_has_one_name_everywhere():
    """Training has the options of its evaluations under the names of `ttrl eval`, with eval-."""
    measured = {each.name for each in fields(EvalConfig)}
    own = {"eval_every", "eval_temperatures"}  # how often, and at several temperatures
    named = {each.name for each in fields(TrainConfig) if each.name.startswith("eval_")}
    assert {name.removeprefix("eval_") for name in named - own} <= measured
    assert own <= named
