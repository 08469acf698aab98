"""What a GPU computes in, bfloat16, here on CPU: sampler and trainer alike, and no update lost."""

import numpy as np
import pytest
import torch

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.policy import log_probs as module
from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.policy.policy import Policy
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import SamplingParams, TransformersSampler

PROMPTS = ["What is 3 plus 4?"] * 8 + ["7 times 8"] * 8


@pytest.fixture
def half(monkeypatch):
    """Makes every policy compute as it would on GPU; undone by its `undo`."""
    monkeypatch.setattr(Policy, "compute_dtype", torch.bfloat16)
    return monkeypatch


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


def test_the_sampler_computes_as_the_trainer_does(random_policy, half):
    completions = TransformersSampler(random_policy).sample(PROMPTS, SamplingParams(20), seed=0)
    sampled = np.concatenate([each.log_probs for each in completions])
    assert sampled.dtype == np.float32
    gap = np.abs(sampled - scores(random_policy, completions)).mean()
    half.undo()
    gap_to_float32 = np.abs(sampled - scores(random_policy, completions)).mean()
    # Single tokens and whole rows are rounded apart, but far less than the two precisions are.
    assert 0 < gap < gap_to_float32 / 3


def test_the_cache_of_the_sampler_is_in_half_precision(random_policy, half):
    seen = set()

    def note(_module, _inputs, options, _output):
        cache = options[random_policy.cache_argument]
        seen.update((each.keys.dtype, each.values.dtype) for each in cache.layers)

    handle = random_policy.model.register_forward_hook(note, with_kwargs=True)
    TransformersSampler(random_policy).sample(PROMPTS, SamplingParams(4), seed=0)
    handle.remove()
    assert seen == {(torch.bfloat16, torch.bfloat16)}


@pytest.mark.usefixtures("half")
@pytest.mark.parametrize("saving", [False, True])
def test_what_is_computed_again_is_computed_in_the_same_precision(
    random_policy, monkeypatch, saving
):
    completions = TransformersSampler(random_policy).sample(PROMPTS, SamplingParams(8), seed=0)
    batch = batch_of(random_policy, completions)

    def gradient(scorer):
        random_policy.model.zero_grad()
        scorer(batch, 1.0)[0].sum().backward()
        return torch.cat([each.grad.flatten() for each in random_policy.model.parameters()])

    expected = gradient(LogProbs(random_policy))
    scorer = LogProbs(random_policy, gradient_checkpointing=saving)
    monkeypatch.setattr(module, "_CHUNK_ELEMENTS", 16 * random_policy.vocabulary_size)
    found = gradient(scorer)
    assert found.dtype == torch.float32
    assert torch.nn.functional.cosine_similarity(found, expected, dim=0) > 0.999


@pytest.mark.usefixtures("half")
def test_an_update_at_the_rate_of_the_paper_is_not_rounded_away(random_policy):
    config = TrainConfig(
        steps=1, warmup_steps=0, schedule="constant", learning_rate=5e-7, max_tokens=12,
        questions_per_step=2, n_votes=8, device="cpu",
    )  # fmt: skip
    agent = PolicyGradientAgent(random_policy, config)
    completions = agent.act(PROMPTS, 0)
    rewards = np.tile([1.0, 0.0], 8)
    before = {name: each.detach().clone() for name, each in random_policy.model.named_parameters()}
    agent.learn(Rollout(PROMPTS, completions, rewards, np.zeros(16, dtype=bool), 8))
    kept, moved, rounded = 0, 0, 0
    for name, weight in random_policy.model.named_parameters():
        assert weight.dtype == torch.float32
        moments = agent.optimizer.state[weight]
        assert moments["exp_avg"].dtype == moments["exp_avg_sq"].dtype == torch.float32
        kept += weight.numel()
        moved += int((weight != before[name]).sum())
        rounded += int((weight.bfloat16() != before[name].bfloat16()).sum())
    assert moved > 0.9 * kept
    assert rounded < 0.01 * kept  # what would be left of the step in weights of 16 bits
