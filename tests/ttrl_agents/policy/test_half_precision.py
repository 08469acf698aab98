"""Weights of 16 bits, as on a GPU: sampler and trainer alike, and no update lost."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ttrl_agents.callbacks import Callback
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.policy import lm_head as module
from ttrl_agents.policy.loading import load_policy, resolve_dtype
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.policy.lora import add_adapters
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.trainer import Interrupted, Trainer, resume_config

PROMPTS = ["What is 3 plus 4?"] * 8 + ["7 times 8"] * 8


@pytest.fixture
def half(random_policy):
    """A policy in bfloat16."""
    random_policy.model.to(torch.bfloat16)
    return random_policy


def batch_of(policy, completions):
    return TokenBatch.from_ids(
        policy.encode_prompts(PROMPTS),
        [each.token_ids for each in completions],
        pad_token_id=policy.pad_token_id,
    )


def scores(policy, completions):
    batch = batch_of(policy, completions)
    with torch.no_grad():
        return LogProbs(policy)(batch, 1.0)[0][batch.completion_mask].numpy()


def test_the_sampler_computes_as_the_trainer_does(half):
    completions = TransformersSampler(half).sample(PROMPTS, SamplingParams(20), seed=0)
    sampled = np.concatenate([each.log_probs for each in completions])
    assert sampled.dtype == np.float32
    gap = np.abs(sampled - scores(half, completions)).mean()
    half.model.float()
    gap_to_float32 = np.abs(sampled - scores(half, completions)).mean()
    # Single tokens and whole rows are rounded apart, but far less than the two precisions are.
    assert 0 < gap < gap_to_float32 / 3


def test_the_cache_of_the_sampler_is_in_half_precision(half):
    seen = set()

    def note(_module, _inputs, options, _output):
        cache = options[half.cache_argument]
        seen.update((each.keys.dtype, each.values.dtype) for each in cache.layers)

    handle = half.model.register_forward_hook(note, with_kwargs=True)
    TransformersSampler(half).sample(PROMPTS, SamplingParams(4), seed=0)
    handle.remove()
    assert seen == {(torch.bfloat16, torch.bfloat16)}


@pytest.mark.parametrize("saving", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_gradients_are_those_of_float32_up_to_rounding(half, monkeypatch, saving, packed):
    completions = TransformersSampler(half).sample(PROMPTS, SamplingParams(8), seed=0)
    batch = batch_of(half, completions)

    def gradient(scorer):
        half.model.zero_grad()
        scorer(batch, 1.0)[0].sum().backward()
        return torch.cat([each.grad.float().flatten() for each in half.model.parameters()])

    scorer = LogProbs(half, gradient_checkpointing=saving, packed=packed)
    monkeypatch.setattr(module, "_CPU_CHUNK", 16 * half.vocabulary_size)
    found = gradient(scorer)
    half.model.float()
    expected = gradient(LogProbs(half))
    assert torch.nn.functional.cosine_similarity(found, expected, dim=0) > 0.99


@pytest.mark.parametrize("lora", [False, True])
def test_an_update_at_the_rate_of_the_paper_is_not_rounded_away(half, lora):
    policy = add_adapters(half, rank=4) if lora else half
    config = TrainConfig(
        steps=1, warmup_steps=0, schedule="constant", learning_rate=5e-7, max_tokens=12,
        questions_per_step=2, n_votes=8, device="cpu",
    )  # fmt: skip
    agent = PolicyGradientAgent(policy, config)
    completions = agent.act(PROMPTS, 0)
    rewards = np.tile([1.0, 0.0], 8)
    trained = [each for each in policy.model.parameters() if each.requires_grad]
    before = [each.detach().clone() for each in trained]
    metrics = agent.learn(Rollout(PROMPTS, completions, rewards, np.zeros(16, dtype=bool), 8))
    assert metrics["skipped"] == 0
    kept, moved, rounded = 0, 0, 0
    for weight, old in zip(trained, before, strict=True):
        assert weight.dtype == torch.bfloat16
        state = agent.optimizer.state[weight]
        assert {state[name].dtype for name in ("exp_avg", "exp_avg_sq", "master")} == {
            torch.float32
        }
        kept += weight.numel()
        moved += int((state["master"] != old.float()).sum())
        rounded += int((weight != old).sum())
    if lora:  # one half begins at zero, from where steps are exact; the other has no gradient yet
        assert moved == rounded > 0.4 * kept
    else:
        assert moved > 0.9 * kept
        assert rounded < 0.01 * kept  # what would be left of the step in weights of 16 bits


def test_merged_adapters_are_rounded_once(half):
    policy = add_adapters(half, rank=4, seed=3)
    for name, each in policy.model.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(each, std=0.02, generator=torch.Generator().manual_seed(0))
    merged = dict(policy.weights())
    layer = policy.model.model.layers[0].self_attn.q_proj
    weight = layer.base_layer.weight.float() + layer.get_delta_weight("default").float()
    found = merged["model.layers.0.self_attn.q_proj.weight"]
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, weight.bfloat16())


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_run_in_16_bits_learns_and_resumes_bit_for_bit(tmp_path, dtype):
    options = {
        "steps": 3, "questions_per_step": 2, "n_votes": 4, "max_tokens": 32, "dtype": dtype,
        "learning_rate": 1e-3, "evaluate": False, "checkpoint_every": 1, "device": "cpu",
    }  # fmt: skip
    Trainer(TrainConfig(output=tmp_path / "whole", **options)).run()
    trainer = Trainer(TrainConfig(output=tmp_path / "cut", **options), [StopAfter(2)])
    with pytest.raises(Interrupted):
        trainer.run()
    assert trainer.policy.compute_dtype == getattr(torch, dtype)
    Trainer(resume_config(tmp_path / "cut"), resume=True).run()
    found, expected = (
        load_file(tmp_path / name / "checkpoint" / "model.safetensors") for name in ("cut", "whole")
    )
    for name, tensor in expected.items():
        assert tensor.dtype == getattr(torch, dtype)
        assert torch.equal(found[name], tensor), name


class StopAfter(Callback):
    def __init__(self, step):
        self.last = step

    def on_start(self, trainer):
        self.trainer = trainer

    def on_step(self, step, metrics):
        if step == self.last:
            self.trainer.request_stop()


def test_the_type_of_weights_is_that_of_the_device():
    assert resolve_dtype("auto", torch.device("cpu")) == torch.float32
    assert resolve_dtype("bfloat16", torch.device("cpu")) == torch.bfloat16
    assert resolve_dtype("auto", torch.device("mps")) == torch.float32


@pytest.mark.parametrize(("native", "expected"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_without_bfloat16_computes_in_float16(monkeypatch, native, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: native)
    assert resolve_dtype("auto", torch.device("cuda")) == expected


def test_a_policy_is_loaded_in_the_type_asked_for():
    assert load_policy("tiny", device="cpu", dtype="bfloat16").compute_dtype == torch.bfloat16
    assert load_policy("tiny", device="cpu").compute_dtype == torch.float32
