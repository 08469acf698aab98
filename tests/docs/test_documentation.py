"""Every docstring example runs; commands on the pages parse; links lead somewhere."""

import doctest
import functools
import importlib
import pkgutil
import re
import shlex
from pathlib import Path

import pytest
from doc_pages import pages

import ttrl_agents
import ttrl_benchmarks
import ttrl_env
from ttrl_agents.cli import commands
from ttrl_agents.cli.entry import main

REPOSITORY = Path(__file__).parents[2]
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
MODULES = sorted(
    module.name
    for package in (ttrl_env, ttrl_agents, ttrl_benchmarks)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    if not module.name.endswith(".__main__")  # importing it runs the command
)
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    if name.endswith("_triton"):  # it is there on Linux alone
        pytest.importorskip("triton")
    if name.endswith((".verifiers", ".verl")):  # make test-trainers has them
        pytest.importorskip(name.rpartition(".")[2])
    assert doctest.testmod(importlib.import_module(name), optionflags=OPTIONS).failed == 0


def test_a_newcomer_reads_fewer_than_two_hundred_lines():
    lines = [line for line in README.splitlines() if not line.startswith("<!--")]
    assert len(lines) < 200


PAGES = pages()
# A line of a block: indented, or after a prompt; a backslash at its end carries it on.
COMMAND = re.compile(r"^(?:    |\$ )(ttrl (?:\\\n|.)*)", re.MULTILINE)


def test_the_commands_on_the_pages_have_the_options_that_they_name(monkeypatch):
    given = []
    real = commands.commands_for

    def only_parsed(arguments):
        def stub(name, command):
            return functools.wraps(command)(lambda *_, **__: given.append(name))

        return {name: stub(name, each) for name, each in real(arguments).items()}

    monkeypatch.setattr(commands, "commands_for", only_parsed)
    lines = [line for page in PAGES for line in COMMAND.findall(page.read_text(encoding="utf-8"))]
    for line in lines:
        words = shlex.split(line.replace("\\\n", " "), comments=True)[1:]
        words = words[: words.index("|")] if "|" in words else words
        if "--resume" not in words:  # which needs the folder
            assert main([word for word in words if word != "..."]) == 0, line
    assert {"train", "eval", "compare"} <= set(given)
    assert len(given) >= 10
    with pytest.raises(SystemExit):  # a wrong one would have been seen
        main(["eval", "tiny", "--no-such-option"])
