"""The documentation is executed: every docstring example, and the README's Python."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import ttrl_agents
import ttrl_benchmarks
import ttrl_env

REPOSITORY = Path(__file__).parents[1]
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
MODULES = sorted(
    module.name
    for package in (ttrl_env, ttrl_agents, ttrl_benchmarks)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
)
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    assert doctest.testmod(importlib.import_module(name), optionflags=OPTIONS).failed == 0


def test_the_first_example_prints_what_it_says(capsys):
    exec(compile(BLOCKS[0], "README.md", "exec"), {})  # our own text  # noqa: S102
    said = BLOCKS[0].rsplit("# ", 1)[1].strip()
    assert capsys.readouterr().out.strip() == said


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


def test_the_third_example_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = BLOCKS[2].replace("steps=50", "steps=1, eval_votes=2, n_votes=4").replace("@16", "@2")
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102
    before, after = map(float, capsys.readouterr().out.split())
    assert 0 <= before <= 1
    assert 0 <= after <= 1


@pytest.mark.parametrize(
    "page", [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))], ids=str
)
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
