"""Advantages of tokens: golden values, and sums written out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_agents.learning.advantages import (
    generalised_advantages,
    returns_to_go,
    token_rewards,
    whiten,
)


def test_gae_has_the_published_values():
    rewards = torch.tensor([[0.0, 0.0, 1.0]])
    values = torch.tensor([[0.2, 0.4, 0.6]])
    advantages, returns = generalised_advantages(
        rewards, values, torch.ones(1, 3).bool(), gae_lambda=0.95
    )
    assert advantages.tolist()[0] == pytest.approx([0.751, 0.58, 0.4])
    assert returns.tolist()[0] == pytest.approx([0.951, 0.98, 1.0])


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.5, 0.95, 1.0]), st.sampled_from([0.9, 1.0]))
@settings(max_examples=40)
def test_gae_is_the_sum_of_its_definition(seed, lam, gamma):
    generator = torch.Generator().manual_seed(seed)
    rewards, values = torch.randn(2, 3, 6, generator=generator, dtype=torch.float64)
    lengths = torch.randint(1, 7, (3,), generator=generator)
    mask = torch.arange(6) < lengths[:, None]
    advantages, returns = generalised_advantages(rewards, values, mask, gamma=gamma, gae_lambda=lam)
    for row, n in enumerate(lengths.tolist()):
        ahead = [*values[row, 1:n].tolist(), 0.0]
        deltas = [float(rewards[row, t] + gamma * ahead[t] - values[row, t]) for t in range(n)]
        for t in range(n):
            expected = sum((gamma * lam) ** (k - t) * deltas[k] for k in range(t, n))
            assert advantages[row, t].item() == pytest.approx(expected)
            assert returns[row, t].item() == pytest.approx(expected + values[row, t].item())
        assert not advantages[row, n:].any()


def test_the_reward_stands_on_the_last_token_and_penalties_on_each():
    mask = torch.tensor([[True, True, True], [True, False, False]])
    penalties = torch.tensor([[0.1, 0.2, 0.3], [0.4, 9.0, 9.0]])
    found = token_rewards(torch.tensor([1.0, -1.0]), mask, penalties)
    assert torch.allclose(found, torch.tensor([[-0.1, -0.2, 0.7], [-1.4, 0.0, 0.0]]))
    to_go = returns_to_go(found, mask, 0.5)
    assert torch.allclose(to_go, torch.tensor([[-0.025, 0.15, 0.7], [-1.4, 0.0, 0.0]]))


@given(st.integers(0, 10_000))
def test_whitened_tokens_have_mean_0_and_variance_1(seed):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(4, 5, generator=generator, dtype=torch.float64) * 7 + 3
    mask = torch.arange(5) < torch.tensor([5, 2, 3, 1])[:, None]
    found = whiten(values, mask)
    assert found[mask].mean().item() == pytest.approx(0, abs=1e-12)
    assert found[mask].var().item() == pytest.approx(1)
    assert not found[~mask].any()


def test_equal_tokens_whiten_to_exactly_nothing():
    mask = torch.ones(3, 3).bool()
    assert not whiten(torch.full((3, 3), 0.1), mask).any()
    assert not whiten(torch.rand(3, 3), torch.zeros(3, 3).bool()).any()
