"""Packed rows: the same log-probabilities, entropies, values and gradients as padded ones."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.learning.critic import Critic
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.policy.lora import add_adapters
from ttrl_agents.policy.packed import fill_packs, pack
from ttrl_agents.policy.packed_attention import gather_rows
from ttrl_agents.policy.token_batch import TokenBatch
from ttrl_agents.rollout import Rollout

PROMPTS = [(5, 6, 7), (8, 9), (5, 6, 7), (10,), (5, 6, 7), (8, 9)]
COMPLETIONS = [[11, 12], [13], [14, 15, 16, 3], [17, 3, 9], [4], [20, 21, 22]]


def batch_of(policy):
    return TokenBatch.from_ids(PROMPTS, COMPLETIONS, pad_token_id=policy.pad_token_id)


def gradients(policy, loss):
    policy.model.zero_grad()
    loss.backward()
    named = policy.model.named_parameters()
    return {name: each.grad.clone() for name, each in named if each.grad is not None}


def flat(policy):
    return torch.cat([each.detach().flatten() for each in policy.model.parameters()])


def assert_close(found, expected):
    assert found.keys() == expected.keys()
    for name, grad in expected.items():
        assert torch.allclose(found[name], grad, atol=1e-4, rtol=1e-4), name


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("lora", [False, True])
def test_packed_rows_give_what_padded_rows_give(random_policy, checkpointing, lora):
    policy = add_adapters(random_policy, rank=2, seed=1) if lora else random_policy
    if lora:  # adapters begin at zero, where they would not be seen
        for name, each in policy.model.named_parameters():
            if ".lora_B." in name:
                torch.nn.init.normal_(each, generator=torch.Generator().manual_seed(0))
    batch, weights = batch_of(policy), torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    padded = LogProbs(policy, packed=False)
    packed = LogProbs(policy, packed=True, gradient_checkpointing=checkpointing)
    assert packed.packed
    expected, entropies = padded(batch, 0.7, entropy="gradient")
    found, found_entropies = packed(batch, 0.7, entropy="gradient")
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(found_entropies, entropies, atol=1e-5)
    theirs = gradients(policy, (expected * weights + entropies.square()).sum())
    ours = gradients(policy, (found * weights + found_entropies.square()).sum())
    assert_close(ours, theirs)


def test_the_layers_of_a_pack_are_computed_again(random_policy):
    calls = []
    attention = random_policy.model.model.layers[0].self_attn
    handle = attention.register_forward_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    scorer = LogProbs(random_policy, packed=True, gradient_checkpointing=True)
    calls.clear()
    scorer(batch_of(random_policy), 1.0)[0].sum().backward()
    handle.remove()
    assert len(calls) == 2  # once forward, once again for the gradient


def test_the_critic_expects_the_same_of_packed_rows(random_policy):
    options = {"learning_rate": 1e-3, "betas": (0.9, 0.95), "weight_decay": 0.0}
    critic = Critic(random_policy, **options)
    packed = Critic(random_policy, packed=True, **options)
    for each in (critic, packed):
        torch.nn.init.normal_(each._head.weight, generator=torch.Generator().manual_seed(0))
    batch = batch_of(random_policy)
    assert torch.allclose(packed(batch), critic(batch), atol=1e-5)
    assert packed(batch).abs().max() > 0.01


@pytest.mark.parametrize("options", [{}, {"kl_coef": 0.1}, {"algorithm": "ppo"}])
def test_a_step_on_packed_rows_is_the_step_on_padded_ones(tokenizer, random_policy, options):
    metrics, weights = [], []
    start = {name: each.clone() for name, each in random_policy.model.state_dict().items()}
    begin = flat(random_policy)
    prompts = [f"{q} + {q} = ?" for q in range(4) for _ in range(4)]
    for packed in ("no", "yes"):
        random_policy.model.load_state_dict(start)
        config = TrainConfig(
            steps=4, warmup_steps=0, schedule="constant", questions_per_step=4, n_votes=4,
            max_tokens=12, device="cpu", learning_rate=1e-3, micro_batch_tokens=40,
            pack_rows=packed, **options,
        )  # fmt: skip
        agent = PolicyGradientAgent(random_policy, config)
        completions = agent.act(prompts, 0)
        rewards = np.tile([1.0, 0.0], 8)
        rollout = Rollout(prompts, completions, rewards, np.zeros(16, dtype=bool), 4)
        metrics.append(agent.learn(rollout))
        weights.append(flat(random_policy))
    assert metrics[0].keys() == metrics[1].keys()
    for name, value in metrics[0].items():
        assert metrics[1][name] == pytest.approx(value, rel=1e-3, abs=1e-4), name
    moved = [each - begin for each in weights]
    assert moved[0].abs().max() > 1e-4
    assert torch.nn.functional.cosine_similarity(*moved, dim=0) > 0.99


def test_a_model_with_sliding_windows_is_padded_and_says_so(random_policy):
    random_policy.model.config.layer_types = ["sliding_attention", "full_attention"]
    with pytest.raises(AgentError, match="sliding_attention"):
        LogProbs(random_policy, packed=True)
    assert not LogProbs(random_policy).packed


def test_packed_rows_that_come_out_otherwise_are_noticed(random_policy, monkeypatch):
    from ttrl_agents.policy import packed_attention

    def blind(query, key, value, packed, scaling):
        return torch.zeros_like(query)

    monkeypatch.setattr(packed_attention, "_segment_by_segment", blind)
    with pytest.raises(AgentError, match="packed and padded rows differ by"):
        LogProbs(random_policy, packed=True)


def test_the_gradient_of_a_row_asked_for_often_is_added_up_in_float32():
    values = torch.zeros(2, 1, dtype=torch.bfloat16, requires_grad=True)
    places = torch.zeros(1000, dtype=torch.long)
    gather_rows(values, places).backward(torch.ones(1000, 1, dtype=torch.bfloat16))
    assert values.grad.tolist() == [[1000.0], [0.0]]  # bfloat16 alone would stop at 256


@st.composite
def rows(draw):
    prompts = draw(st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=4), min_size=1,
                            max_size=3))  # fmt: skip
    chosen = draw(st.lists(st.sampled_from(prompts), min_size=1, max_size=8))
    sizes = [draw(st.integers(1, 6)) for _ in chosen]
    return [tuple(each) for each in chosen], [list(range(10, 10 + n)) for n in sizes]


@given(rows())
def test_a_pack_holds_each_prompt_once_and_no_padding(drawn):
    prompts, completions = drawn
    packed = pack(prompts, completions, "cpu")
    expected = sum(map(len, set(prompts))) + sum(len(each) - 1 for each in completions)
    assert len(packed.ids) == expected == packed.query_ends[-1]
    # What predicts a token is the token before it.
    place = 0
    for prompt, completion in zip(prompts, completions, strict=True):
        span = packed.predictors[place : place + len(completion)]
        assert packed.ids[span].tolist() == [prompt[-1], *completion[:-1]]
        position = packed.positions[span].tolist()
        assert position == list(range(len(prompt) - 1, len(prompt) + len(completion) - 1))
        place += len(completion)


@given(rows(), st.integers(1, 20))
def test_packs_hold_all_rows_once_and_keep_to_their_budget(drawn, budget):
    prompts, completions = drawn
    lengths = [len(each) for each in completions]
    packs = fill_packs(prompts, lengths, budget)
    assert sorted(i for each in packs for i in each) == list(range(len(prompts)))
    for each in packs:
        used = sum(lengths[i] for i in each) + sum(map(len, {prompts[i] for i in each}))
        assert used <= budget or len(each) == 1


def test_what_computes_an_update_is_described_with_its_reasons(random_policy):
    said = LogProbs(random_policy, packed=True).describe()
    assert said == "rows packed; LM head in PyTorch (Triton has no kernels for cpu)"
    random_policy.model.config.layer_types = ["sliding_attention"]
    scorer = LogProbs(random_policy)
    scorer.why_padded = scorer._find_obstacle()
    assert "rows padded (the model has layers of sliding_attention)" in scorer.describe()


@pytest.mark.parametrize(("packed", "described"), [("auto", False), ("yes", True)])
def test_an_agent_describes_its_updates_unless_they_are_plain(random_policy, packed, described):
    agent = PolicyGradientAgent(random_policy, TrainConfig(pack_rows=packed, device="cpu"))
    assert (agent.update_path is not None) == described
