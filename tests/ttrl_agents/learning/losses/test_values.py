"""The critic's loss."""

import math

import pytest
import torch

from ttrl_agents.learning.losses import clipped_value_loss, explained_variance


@pytest.mark.parametrize(
    ("value", "old", "target", "loss", "slope"),
    [
        (0.2, 0.0, 1.0, 0.32, -0.8),  # near its old value: the plain squared error
        (0.9, 0.0, 1.0, 0.125, 0.0),  # has moved far towards the return: no further
        (-0.9, 0.0, 1.0, 1.805, -1.9),  # has moved far away from it: back
    ],
)
def test_values_move_no_further_than_the_clip(value, old, target, loss, slope):
    values = torch.tensor([value], dtype=torch.float64, requires_grad=True)
    before, returns = torch.tensor([[old], [target]]).double()
    found = clipped_value_loss(values, before, returns, 0.5)
    found.sum().backward()
    assert found.item() == pytest.approx(loss)
    assert values.grad.item() == pytest.approx(slope)


def test_without_a_clip_it_is_the_squared_error():
    values, old, returns = torch.randn(3, 10, generator=torch.Generator().manual_seed(0))
    found = clipped_value_loss(values, old, returns, math.inf)
    assert torch.allclose(found, (values - returns).square() / 2)


def test_explained_variance_is_1_for_a_seer_0_for_a_constant_and_unknown_without_variance():
    returns = torch.tensor([0.0, 1.0, 1.0, 9.0])
    mask = torch.tensor([True, True, True, False])
    assert explained_variance(returns, returns, mask) == 1
    assert explained_variance(torch.full((4,), 0.3), returns, mask) == pytest.approx(0)
    assert explained_variance(-returns, returns, mask) < 0
    assert math.isnan(explained_variance(returns, torch.ones(4), mask))
