"""What CONTRIBUTING.md and its neighbours name exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
GROUP = re.compile(r"`(ttrl_(?:env|agents)\.\w+)` \|$", re.MULTILINE)
DECORATOR = re.compile(r"`@(\w+)\(|`(register_\w+)\(")


def sources() -> str:
    files = [
        file
        for folder in ("ttrl_env", "agents/ttrl_agents", "benchmarks/ttrl_benchmarks")
        for file in (REPOSITORY / folder).rglob("*.py")
    ]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_every_group_of_entry_points_is_one_that_the_code_reads() -> None:
    groups, code = GROUP.findall(PAGE), sources()
    assert len(groups) == 6
    for group in groups:
        assert f'"{group}"' in code, group


def test_every_decorator_is_one_that_the_code_has() -> None:
    names, code = [a or b for a, b in DECORATOR.findall(PAGE)], sources()
    assert len(names) == 7
    for name in names:
        assert re.search(rf"^def {name}\(", code, re.MULTILINE), name


def test_the_version_is_the_same_in_every_file() -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    assert yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())["version"] == version
    assert f"\n## {version} - " in (REPOSITORY / "CHANGELOG.md").read_text()


def test_pre_commit_runs_what_make_lint_runs() -> None:
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == ["make lint"]


def test_the_workflow_calls_the_script_of_all_checks() -> None:
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text())
    steps = workflow["jobs"]["everything"]["steps"]
    assert steps[-1] == {"run": ".ci/run"}
    script = (REPOSITORY / ".ci/run").read_text()
    for command in ("make lint", "make docs", "make test", "make test-vllm"):
        assert f"\n{command}\n" in script
