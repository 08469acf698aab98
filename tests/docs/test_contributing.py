"""What the files beside the code say of it is so: version, lint, checks."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]


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
    for command in ("make lint", "make test", "make test-vllm"):
        assert f"\n{command}\n" in script
