"""Adapters: the same model at first, trained alone, saved and resumed exactly."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_runs import StopAfter, assert_same_run, metrics_of, small
from transformers import AutoModelForCausalLM

from ttrl_agents.errors import AgentError
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.policy.loading import load_policy, load_run_policy
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.samplers import SamplingParams
from ttrl_agents.samplers.transformers import TransformersSampler
from ttrl_agents.tiny import checkpoint_path
from ttrl_agents.trainer import Interrupted, Trainer, resume_config

pytest.importorskip("peft", reason="LoRA needs the package peft")

from ttrl_agents.policy.lora import LoraPolicy, add_adapters, load_adapters

PROMPTS = ["What is 3 plus 4?", "A box has 5 pens. How many are in 3 boxes?"]


@pytest.fixture
def plain():
    return load_policy("tiny")


@pytest.fixture
def adapted():
    """Adapters that say something: as they begin, their second half is all zeros."""
    policy = add_adapters(load_policy("tiny"), rank=4, seed=1)
    generator = torch.Generator().manual_seed(0)
    for name, weight in sorted(policy.model.named_parameters()):
        if ".lora_B." in name:
            weight.data = 0.02 * torch.randn(weight.shape, generator=generator)
    return policy


def logits(policy):
    ids = torch.tensor(policy.encode_prompts(PROMPTS[:1]))
    return policy.model(ids).logits.detach()


def batch_of(policy, completions=((3, 4, 5), (6, 7))):
    return TokenBatch.from_ids(
        policy.encode_prompts(PROMPTS), completions, pad_token_id=policy.pad_token_id
    )


def test_new_adapters_change_no_answer_and_no_generator(plain):
    before, state = logits(plain), torch.get_rng_state()
    policy = add_adapters(plain, rank=4)
    assert torch.equal(logits(policy), before)
    assert torch.equal(torch.get_rng_state(), state)
    trained = {name for name, each in policy.model.named_parameters() if each.requires_grad}
    assert trained
    assert all(".lora_" in name for name in trained)
    assert 0 < policy.num_trained < policy.num_parameters / 10


def test_what_adapters_begin_with_is_a_function_of_the_seed():
    first, again, other = (
        add_adapters(load_policy("tiny"), rank=2, seed=seed).model.state_dict()
        for seed in (5, 5, 6)
    )
    halves = [name for name in first if ".lora_A." in name]
    assert halves
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in halves)


def test_every_linear_layer_but_the_head_is_adapted(adapted):
    from peft.tuners.lora import LoraLayer

    for name, module in adapted.model.named_modules():
        if isinstance(module, torch.nn.Linear) and ".base_layer" not in name:
            inside = any(part in name for part in ("lora_A", "lora_B"))
            assert inside or name == "lm_head", name
    assert sum(isinstance(each, LoraLayer) for each in adapted.model.modules()) % 7 == 0


def test_log_probs_go_the_short_way_and_are_those_of_the_merged_model(adapted, tmp_path):
    scorer = LogProbs(adapted)
    assert scorer.chunked
    adapted.save(tmp_path / "merged")
    merged = load_policy(str(tmp_path / "merged"))
    ours, theirs = dict(adapted.weights()), dict(merged.weights())
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not isinstance(merged, LoraPolicy)
    ours, _ = scorer(batch_of(adapted), 1.0)
    theirs, _ = LogProbs(merged)(batch_of(merged), 1.0)
    assert torch.allclose(ours, theirs, atol=1e-4)
    assert not torch.allclose(ours, LogProbs(load_policy("tiny"))(batch_of(adapted), 1.0)[0])


def test_the_sampler_draws_what_the_adapted_model_says(adapted):
    completions = TransformersSampler(adapted).sample(PROMPTS, SamplingParams(24), seed=3)
    batch = batch_of(adapted, [each.token_ids for each in completions])
    scored = LogProbs(adapted)(batch, 1.0)[0].detach().numpy()
    for row, completion in zip(scored, completions, strict=True):
        drawn = completion.log_probs
        assert np.allclose(row[: len(drawn)], drawn, atol=1e-3)


def test_the_base_is_the_model_without_adapters_and_no_second_copy(adapted, plain):
    base = adapted.base()
    assert base.model is adapted.model
    batch = batch_of(adapted)
    before = LogProbs(adapted)(batch, 1.0)[0]
    with torch.no_grad():
        shared = LogProbs(base)(batch, 1.0)[0]
    assert torch.equal(shared, LogProbs(plain)(batch, 1.0)[0].detach())
    assert torch.equal(LogProbs(adapted)(batch, 1.0)[0], before)


def test_asking_the_base_in_the_midst_of_an_update_changes_no_gradient(adapted):
    def gradient(ask_the_base):
        adapted.model.zero_grad()
        score = LogProbs(adapted)(batch_of(adapted), 1.0)[0].sum()
        if ask_the_base:
            with torch.no_grad():
                LogProbs(adapted.base())(batch_of(adapted), 1.0)
        score.backward()
        return {
            name: each.grad.clone()
            for name, each in adapted.model.named_parameters()
            if each.grad is not None
        }

    alone, besides = gradient(ask_the_base=False), gradient(ask_the_base=True)
    assert alone.keys() == besides.keys() != set()
    assert all(torch.equal(alone[name], besides[name]) for name in alone)


def test_saved_adapters_load_exactly_and_peft_loads_them_too(adapted, tmp_path):
    from peft import PeftModel

    adapted.saved_as = "adapter"
    adapted.save(tmp_path / "checkpoint")
    for source in (tmp_path, tmp_path / "checkpoint"):
        loaded = load_policy(str(source))
        assert isinstance(loaded, LoraPolicy)
        assert torch.equal(logits(loaded), logits(adapted))
    theirs = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(checkpoint_path()), tmp_path / "checkpoint"
    )
    ids = torch.tensor(adapted.encode_prompts(PROMPTS[:1]))
    assert torch.allclose(theirs(ids).logits, logits(adapted), atol=1e-5)


def test_an_adapter_brings_its_own_tokenizer_and_template(adapted, tmp_path):
    adapted.name = "tiny"
    adapted.adapted.peft_config["default"].base_model_name_or_path = "tiny"
    adapted.save_for_resuming(tmp_path)
    own = "Q: {{ messages[0].content }}\nA:"
    (tmp_path / "chat_template.jinja").write_text(own)
    loaded = load_policy(str(tmp_path))
    (ids,) = loaded.encode_prompts(["1 + 1?"])
    assert loaded.tokenizer.decode(ids) == "Q: 1 + 1?\nA:"
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    assert load_policy(str(tmp_path)).template.text == own  # the template alone is its own too
    other = tmp_path / "other.jinja"
    other.write_text("{{ messages }}")
    assert load_policy(str(tmp_path), chat_template=other).template.text == "{{ messages }}"


def test_a_pickled_adapter_is_never_opened(adapted, tmp_path):
    adapted.save_for_resuming(tmp_path)
    (tmp_path / "adapter_model.safetensors").unlink()
    torch.save({"anything": torch.ones(1)}, tmp_path / "adapter_model.bin")
    with pytest.raises(AgentError, match=r"has no adapter_model\.safetensors"):
        load_policy(str(tmp_path))


def test_what_is_no_adapter_of_the_model_is_refused(adapted, random_policy, tmp_path):
    adapted.save_for_resuming(tmp_path)
    with pytest.raises(AgentError, match="is not one of model 'random'"):
        load_adapters(random_policy, tmp_path)
    weights = tmp_path / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(AgentError, match="cannot be read"):
        load_adapters(load_policy("tiny"), tmp_path)
    config = tmp_path / "adapter_config.json"
    values = json.loads(config.read_text())
    config.write_text(json.dumps({**values, "base_model_name_or_path": None}))
    with pytest.raises(AgentError, match="names no whole model"):
        load_policy(str(tmp_path))


LORA = {"lora_rank": 4, "learning_rate": None, "kl_coef": 0.01}


def test_a_run_moves_the_adapters_alone_and_leaves_a_plain_model(tmp_path):
    trainer = Trainer(small(tmp_path / "run", **LORA))
    trainer.run()
    assert trainer.agent.learning_rate == pytest.approx(2e-3)  # 10 times that of full training
    rows = metrics_of(tmp_path / "run")
    assert rows[0]["kl"] == pytest.approx(0, abs=1e-7)
    assert rows[-1]["kl"] > 0
    for name, weight in load_policy("tiny").model.state_dict().items():
        owner, _, kind = name.rpartition(".")
        state = trainer.policy.model.state_dict()
        base = f"{owner}.base_layer.{kind}"
        assert torch.equal(weight, state[base if base in state else name]), name
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "checkpoint")
    ids = torch.tensor(trainer.policy.encode_prompts(PROMPTS[:1]))
    assert torch.allclose(model(ids).logits, logits(trainer.policy), atol=1e-4)
    assert not torch.allclose(model(ids).logits, logits(load_policy("tiny")), atol=1e-3)


def test_checkpoints_of_a_run_hold_the_adapters_alone_and_it_goes_on_exactly(tmp_path):
    Trainer(small(tmp_path / "whole", **LORA)).run()
    with pytest.raises(Interrupted):
        Trainer(small(tmp_path / "halted", **LORA), [StopAfter(3)]).run()
    state = tmp_path / "halted" / "checkpoints" / "step-000003"
    for file in (state / "model" / "adapter_model.safetensors", state / "agent.safetensors"):
        assert all(".lora_" in name for name in load_file(file))
    assert not (state / "model" / "model.safetensors").exists()
    Trainer(resume_config(tmp_path / "halted"), resume=True).run()
    assert_same_run(tmp_path / "whole", tmp_path / "halted")


def test_a_run_can_leave_its_adapter(tmp_path):
    trainer = Trainer(small(tmp_path / "run", steps=1, lora_checkpoint="adapter", **LORA))
    trainer.run()
    left = {path.name for path in (tmp_path / "run" / "checkpoint").iterdir()}
    assert "adapter_model.safetensors" in left
    assert "model.safetensors" not in left
    assert torch.equal(logits(load_policy(str(tmp_path / "run"))), logits(trainer.policy))
    with pytest.raises(AgentError, match="is an adapter already"):
        load_run_policy(small(tmp_path / "next", model=str(tmp_path / "run"), lora_rank=2))


def test_the_reference_of_an_agent_made_by_hand_may_be_the_base(adapted):
    agent = PolicyGradientAgent(
        adapted, small(None, kl_coef=0.1, lora_rank=4), reference=adapted.base()
    )
    assert agent._reference.policy.model is adapted.model
