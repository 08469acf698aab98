"""The requirements of ttrl-env: which extra adds what, and whether a version fits."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from ttrl_agents.cli.requirements import PURPOSES, Need, extras, installed_version, needs_of

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


def names(extra: str) -> set[str]:
    return {need.requirement.name for need in needs_of(extra)}


def test_the_core_needs_neither_torch_nor_an_extra() -> None:
    core = names("")
    assert {"gymnasium", "numpy", "huggingface-hub"} <= core
    assert not core & {"torch", "transformers", "tyro"}
    assert all(need.is_met for need in needs_of())


def test_an_extra_adds_its_own_requirements() -> None:
    assert names("wandb") == {"wandb"}
    assert {"torch", "transformers", "tyro"} <= names("agents")
    assert names("sb3") == names("agents") | {"stable-baselines3"}  # it builds on agents


def test_every_extra_has_a_purpose() -> None:
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    assert set(PURPOSES) == set(project["optional-dependencies"]) - {"dev"}


def test_the_extra_of_the_developers_is_left_out() -> None:
    assert "agents" in extras()
    assert "dev" not in extras()


def test_a_need_is_met_by_a_version_that_fits() -> None:
    vllm = Requirement("vllm>=0.32,<0.33")
    assert Need(vllm, "0.32.1").is_met
    assert Need(vllm, "0.32.1rc1+cpu").is_met
    assert not Need(vllm, "0.33.0").is_met
    assert not Need(vllm, None).is_met
    assert str(Need(vllm, "0.32.1")) == "vllm 0.32.1"
    assert str(Need(vllm, "0.31.0")) == "vllm 0.31.0 (wanted: <0.33,>=0.32)"
    assert str(Need(Requirement("rich"), None)) == "rich is not installed (wanted: any version)"


def test_a_distribution_that_is_not_installed_has_no_version() -> None:
    assert installed_version("no-such-distribution-as-this") is None
