"""The documentation is executed: every docstring example, and the README's Python."""

import doctest
import functools
import importlib
import json
import pkgutil
import re
import shlex
from pathlib import Path

import pytest

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
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    if name.endswith("_triton"):  # it is there on Linux alone
        pytest.importorskip("triton")
    if name.endswith((".verifiers", ".verl")):  # make test-trainers has them
        pytest.importorskip(name.rpartition(".")[2])
    assert doctest.testmod(importlib.import_module(name), optionflags=OPTIONS).failed == 0


def test_the_first_example_prints_what_it_says(capsys):
    exec(compile(BLOCKS[0], "README.md", "exec"), {})  # our own text  # noqa: S102
    (said,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    assert capsys.readouterr().out.strip() == said.strip()


def test_a_newcomer_reads_fewer_than_two_hundred_lines():
    assert len(README.splitlines()) < 200


def test_the_second_example_runs_with_any_policy():
    class Policy:
        rewarded = 0

        def __call__(self, prompts):
            return [f"\\boxed{{{i % 3}}}" for i, _ in enumerate(prompts)]

        def learn(self, rewards):
            Policy.rewarded += int(rewards.sum())

    code = BLOCKS[1].replace("range(100)", "range(3)")
    exec(compile(code, "README.md", "exec"), {"my_policy": Policy()})  # noqa: S102
    assert Policy.rewarded == 3 * 8 * 6  # of 16 votes in turn, six are for the first answer


def test_the_third_example_prints_the_scores_of_its_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = BLOCKS[2].replace("steps=50", "steps=1, eval_k=2, n_votes=4").replace("@16", "@2")
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102
    (file,) = tmp_path.glob("runs/*/summary.json")
    summary = json.loads(file.read_text())
    scores = [str(summary[when]["train"]["mean@2"]) for when in ("before", "after")]
    assert capsys.readouterr().out.split() == scores


PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
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


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
