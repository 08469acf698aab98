"""Compiled layers and Liger's kernels: the numbers of the plain layers, or the way out."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.policy import layer_kernels
from ttrl_agents.policy.layer_kernels import use_liger
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.policy.token_batch import TokenBatch

HELPER = Path(__file__).parents[2] / "helpers/layer_kernel_cases.py"
PROMPTS = [(5, 6, 7), (8, 9), (5, 6, 7)]
needs_liger = pytest.mark.skipif(
    importlib.util.find_spec("liger_kernel") is None, reason="liger-kernel is not installed"
)


def batch_of(policy, completions):
    return TokenBatch.from_ids(PROMPTS, completions, pad_token_id=policy.pad_token_id)


def run(policy, scorer, completions):
    policy.model.zero_grad()
    found = scorer(batch_of(policy, completions), 0.7)[0]
    found.sum().backward()
    named = policy.model.named_parameters()
    return [found.detach(), *(each.grad.clone() for _, each in named if each.grad is not None)]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_layers_give_what_plain_ones_give_and_are_compiled_once(random_policy):
    plain = LogProbs(random_policy, packed=True)
    compiled = LogProbs(random_policy, compiled=True, packed=True)
    again = LogProbs(random_policy, compiled=True, packed=True, gradient_checkpointing=True)
    counted = torch._dynamo.utils.counters["stats"]
    graphs = []
    for completions in ([[11, 12], [13], [14, 15, 16, 3]], [[11] * 9, [13] * 5, [14]]):
        expected = run(random_policy, plain, completions)
        for scorer in (compiled, again):
            found = run(random_policy, scorer, completions)
            for ours, theirs in zip(found, expected, strict=True):
                assert torch.allclose(ours, theirs, atol=1e-4, rtol=1e-4)
        graphs.append(counted["unique_graphs"])
    assert graphs[0] == graphs[1] > 0  # the second pack has another size
    assert "forward" not in vars(random_policy.model.model.layers[0])


def test_compiled_layers_need_packed_rows(random_policy):
    config = TrainConfig(kernels="compile", device="cpu")
    with pytest.raises(AgentError, match="--kernels compile needs packed rows"):
        PolicyGradientAgent(random_policy, config)


def test_a_compiler_that_fails_is_found_before_the_run_begins(random_policy, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("No working C++ compiler found")

    monkeypatch.setattr(layer_kernels.torch, "compile", lambda *_, **__: broken)
    config = TrainConfig(kernels="compile", pack_rows="yes", device="cpu")
    with pytest.raises(AgentError, match=r"No working C\+\+ compiler .* --kernels torch"):
        PolicyGradientAgent(random_policy, config)


@needs_liger
@pytest.mark.slow
def test_the_kernels_of_liger_give_what_plain_layers_give():
    done = subprocess.run(
        [sys.executable, HELPER],
        env=os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["replaced"]
    assert 0 < found["log_probs"] < 1e-4
    assert found["gradients"] < 1e-3


def test_liger_needs_a_gpu(random_policy):
    with pytest.raises(AgentError, match="--kernels liger needs a GPU, and the model is on cpu"):
        PolicyGradientAgent(random_policy, TrainConfig(kernels="liger", device="cpu"))


def test_liger_s_package_may_be_missing(random_policy, monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setitem(sys.modules, "liger_kernel", None)
    monkeypatch.setitem(sys.modules, "liger_kernel.transformers", None)
    monkeypatch.setitem(sys.modules, "liger_kernel.transformers.monkey_patch", None)
    with pytest.raises(AgentError, match=r"pip install 'ttrl-env\[gpu\]'"):
        use_liger(random_policy)


@needs_liger
def test_a_model_that_liger_does_not_know_says_so(random_policy, monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    random_policy.model.config.model_type = "abacus"
    with pytest.raises(AgentError, match="no kernels for models of type 'abacus'"):
        use_liger(random_policy)
