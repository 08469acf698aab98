"""An engine with two workers, each with its part of the weights: the parts are proved together."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig

from ttrl_agents.instruments.sampler_agreement import measure_agreement
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.samplers import SamplingParams
from ttrl_agents.samplers.vllm.process import EngineError
from ttrl_agents.samplers.vllm.sampler import EngineOptions, VLLMSampler
from ttrl_agents.samplers.vllm.weight_stream import send_weights
from ttrl_agents.tiny import checkpoint_path
from ttrl_agents.tiny.random_policy import random_policy

PARAMS = SamplingParams(32)
OPTIONS = (
    *("--steps", "2", "--questions-per-step", "2", "--n-votes", "4", "--max-tokens", "48"),
    *("--learning-rate", "1e-2", "--no-evaluate", "--device", "cpu", "--sampler", "vllm"),
    *("--engine-kv-gib", "0.125", "--gpus", "2", "--engine-tensor-parallel", "2"),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model whose heads two workers can share, two of keys and values among them."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint_path())
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    folder = tmp_path_factory.mktemp("model")
    random_policy(shape).save(folder)
    return str(folder)


@pytest.fixture(scope="module")
def sampler(model):
    options = EngineOptions(max_length=512, kv_gib=1 / 8, tensor_parallel=2)
    with VLLMSampler(load_policy(model, device="cpu"), options) as made:
        yield made


def test_both_workers_hold_their_parts_of_the_current_weights(sampler, questions):
    policy = sampler.policy
    # Embeddings, a half each, and norms; on CPU matrices are packed, and compared as they arrive.
    assert sampler.proof["proved"] == 6
    with torch.no_grad():
        for each in policy.model.parameters():
            each.add_(0.05 * torch.randn_like(each) * each.std())
    before = sampler.sample(questions, PARAMS, seed=1)
    assert measure_agreement(LogProbs(policy), questions, before, 1.0).mean > 1e-3, "not stale"
    sampler.sync()
    after = sampler.sample(questions, PARAMS, seed=1)
    assert measure_agreement(LogProbs(policy), questions, after, 1.0).largest < 1e-4
    assert sampler.sample(questions, PARAMS, seed=1) == after


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.norm.weight", "is stale: it is not what was sent"),  # each worker has all of it
        ("model.embed_tokens.weight", "is stale: it is not what was sent"),  # a half each
        ("model.layers.0.self_attn.q_proj.weight", "arrived damaged"),  # packed on CPU
    ],
)
def test_parts_that_do_not_add_up_are_refused(sampler, name, message):
    buffer = sampler._weights._buffer.tensor

    def load(flipped):
        messages = send_weights(sampler.policy.weights(), torch.float32, buffer)

        def more():
            message = next(messages)
            message["checksums"][name] ^= flipped
            return message

        return sampler.engine.ask({"command": "load"}, on_more=more)

    with pytest.raises(EngineError, match=f"{name} {message}"):
        load(1)
    load(0)
    assert sampler.restarts == 0


def test_an_engine_that_loses_a_worker_is_replaced_with_the_current_weights(sampler, questions):
    before = sampler.sample(questions, PARAMS, seed=5)
    children = psutil.Process(sampler.engine.pid).children(recursive=True)
    workers = [each for each in children if "resource_tracker" not in " ".join(each.cmdline())]
    assert len(workers) == 2
    workers[1].send_signal(signal.SIGKILL)
    assert sampler.sample(questions, PARAMS, seed=5) == before
    assert sampler.metrics() == {"engine_restarts": 1.0}


def test_two_ranks_that_share_an_engine_sample_from_the_divided_policy(tmp_path, model):
    folder = tmp_path / "run"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "ttrl_agents", "train", *OPTIONS),
            *("--model", model, "--shard", "full", "--output", str(folder)),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["ranks"] for line in lines] == [2, 2]
    assert [line["engine_restarts"] for line in lines] == [0, 0]
    # At this learning rate a stale engine would be off by more than that in the second step.
    assert all(line["sampler_gap"] < 1e-4 for line in lines)
    assert [each.name for each in folder.glob("engine*.log")] == ["engine.log"]
