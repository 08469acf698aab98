"""Golden values and laws of the losses."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_agents.losses import clipped_policy_loss, group_advantages, kl_estimate


def test_group_advantages_have_the_published_values():
    rewards = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    scaled = group_advantages(rewards, epsilon=1e-4)
    assert scaled.tolist()[0] == pytest.approx([1.49970, -0.49990, -0.49990, -0.49990], abs=1e-5)
    plain = group_advantages(rewards, scale_by_std=False)
    assert plain.tolist()[0] == [0.75, -0.25, -0.25, -0.25]


@given(st.integers(2, 64), st.floats(-10, 10), st.booleans())
def test_a_constant_group_has_exactly_no_advantage(size, reward, scale):
    rewards = torch.full((1, size), reward, dtype=torch.float64)
    assert torch.equal(group_advantages(rewards, scale_by_std=scale), torch.zeros(1, size).double())


def test_groups_do_not_touch_each_other():
    a, b = torch.rand(1, 8), torch.rand(1, 8)
    both = group_advantages(torch.cat([a, b]))
    assert torch.equal(both, torch.cat([group_advantages(a), group_advantages(b)]))


def test_a_group_of_one_is_refused():
    with pytest.raises(ValueError, match="2 or more completions"):
        group_advantages(torch.ones(4, 1))


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"), [(1.5, 1.0, -1.28), (0.5, -1.0, 0.8), (1.1, 1.0, -1.1)]
)
def test_the_clipped_loss_has_the_published_values(ratio, advantage, expected):
    loss = clipped_policy_loss(
        torch.tensor([[ratio]]).log(),
        torch.zeros(1, 1),
        torch.tensor([advantage]),
        torch.ones(1, 1, dtype=torch.bool),
        clip_high=0.28,
    )
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def random_batch(seed: int, rows: int = 6, width: int = 9):
    generator = torch.Generator().manual_seed(seed)
    log_probs = -torch.rand(rows, width, generator=generator, dtype=torch.float64)
    lengths = torch.randint(1, width + 1, (rows,), generator=generator)
    mask = torch.arange(width) < lengths[:, None]
    advantages = torch.randn(rows, generator=generator, dtype=torch.float64)
    return log_probs, advantages, mask


def gradient(log_probs, old, advantages, mask, **options):
    leaf = log_probs.clone().requires_grad_()
    loss = clipped_policy_loss(leaf, old, advantages, mask, **options)
    loss.backward()
    return loss.detach(), leaf.grad


def test_at_ratio_one_the_gradient_is_that_of_reinforce():
    log_probs, advantages, mask = random_batch(0)
    _, found = gradient(log_probs, log_probs, advantages, mask)
    expected = -(advantages[:, None] * mask) / mask.sum()
    assert torch.allclose(found, expected, atol=1e-15)


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_padding_changes_nothing(seed, extra):
    log_probs, advantages, mask = random_batch(seed)
    old = log_probs + 0.1
    loss, grad = gradient(log_probs, old, advantages, mask)
    pad = (0, extra)
    wide_loss, wide_grad = gradient(
        torch.nn.functional.pad(log_probs, pad, value=-3.0),
        torch.nn.functional.pad(old, pad, value=7.0),
        advantages,
        torch.nn.functional.pad(mask, pad),
    )
    assert torch.allclose(loss, wide_loss)
    assert torch.allclose(grad, wide_grad[:, :-extra])
    assert (wide_grad[:, -extra:] == 0).all()


@given(st.integers(0, 10_000), st.permutations(range(6)))
@settings(max_examples=30, deadline=None)
def test_the_order_of_completions_and_micro_batches_change_nothing(seed, order):
    log_probs, advantages, mask = random_batch(seed)
    old = log_probs - 0.2
    loss, grad = gradient(log_probs, old, advantages, mask)
    order = torch.tensor(order)
    shuffled_loss, shuffled_grad = gradient(
        log_probs[order], old[order], advantages[order], mask[order]
    )
    assert torch.allclose(loss, shuffled_loss)
    assert torch.allclose(grad[order], shuffled_grad)
    total = int(mask.sum())
    parts = [
        gradient(log_probs[i], old[i], advantages[i], mask[i], num_tokens=total)
        for i in (slice(0, 2), slice(2, 6))
    ]
    assert torch.allclose(loss, sum(part for part, _ in parts))
    assert torch.allclose(grad, torch.cat([part for _, part in parts]))


def test_kl_estimates_have_the_published_values():
    log_probs, reference = torch.tensor([-0.1]).double(), torch.zeros(1).double()
    assert kl_estimate(log_probs, reference, "k1").item() == pytest.approx(-0.1)
    assert kl_estimate(log_probs, reference, "k2").item() == pytest.approx(0.005)
    assert kl_estimate(log_probs, reference, "k3").item() == pytest.approx(0.0051709, abs=1e-7)


def test_k3_is_never_negative_and_right_on_average():
    policy = torch.tensor([0.7, 0.2, 0.1], dtype=torch.float64)
    reference = torch.tensor([0.3, 0.3, 0.4], dtype=torch.float64)
    per_token = kl_estimate(policy.log(), reference.log(), "k3")
    assert (per_token >= 0).all()
    exact = (policy * (policy / reference).log()).sum()
    assert (policy * per_token).sum().item() == pytest.approx(exact.item())


def test_k3_stays_finite_where_a_token_is_impossible():
    assert math.isfinite(kl_estimate(torch.tensor([-1e4]), torch.tensor([0.0])).item())


def test_an_unknown_kl_estimator_is_refused():
    with pytest.raises(ValueError, match="k4"):
        kl_estimate(torch.zeros(1), torch.zeros(1), "k4")
