"""What a token costs: golden values, bounds, gradients."""

import math

import pytest
import torch

from ttrl_agents.learning.losses import (
    clipped_surrogate,
    clipped_weight,
    probability_ratio,
    soft_gate,
)


def one(value: float) -> torch.Tensor:
    return torch.tensor([value], dtype=torch.float64)


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [(1.5, 1, -1.28), (0.5, -1, 0.8), (1.1, 1, -1.1), (0.5, 1, -0.5), (5, -1, 5)],
)
def test_the_clipped_surrogate_has_the_published_values(ratio, advantage, expected):
    found = clipped_surrogate(one(ratio), one(advantage), clip_high=0.28)
    assert found.item() == pytest.approx(expected)


def test_the_dual_clip_bounds_what_a_bad_completion_costs():
    options = {"clip_high": 0.28, "dual_clip": 3.0}
    assert clipped_surrogate(one(5), one(-1), **options).item() == 3
    assert clipped_surrogate(one(2), one(-1), **options).item() == 2
    assert clipped_surrogate(one(5), one(1), **options).item() == pytest.approx(-1.28)


def test_the_soft_gate_has_the_published_values():
    found = soft_gate(torch.tensor([1.5, 1.5]), torch.tensor([1.0, -1.0]))
    assert found.tolist() == pytest.approx([-2.48984, 2.39359], abs=1e-5)


def test_a_clipped_weight_keeps_its_gradient():
    log_prob = torch.tensor([math.log(0.5)], dtype=torch.float64, requires_grad=True)
    ratio = log_prob.exp() / 0.05  # 10, far above the bound
    clipped_weight(ratio, one(2), log_prob).sum().backward()
    assert log_prob.grad.item() == pytest.approx(-5 * 2)
    low = clipped_weight(one(0.1), one(1), one(-1), clip_low=0.2, clip_high=0.2)
    assert low.item() == pytest.approx(0.8)


def test_the_ratio_of_a_sequence_is_a_geometric_mean_and_its_gradient_that_of_each_token():
    old = torch.zeros(2, 3, dtype=torch.float64)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    now = torch.tensor([[0.3, -0.6, 0.6], [1.0, 0.0, 50.0]], dtype=torch.float64).requires_grad_()
    ratio = probability_ratio(now, old, mask, "sequence")
    expected = torch.tensor([math.exp(0.1), math.exp(0.5)]).double()
    assert torch.allclose(ratio[mask], expected.repeat_interleave(torch.tensor([3, 2])))
    weights = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).double()
    (ratio * weights * mask).sum().backward()
    assert torch.allclose(now.grad, expected[:, None] * weights * mask)


def test_an_impossible_token_gives_no_infinity():
    ratio = probability_ratio(
        torch.tensor([[1e4, -1e4]]), torch.zeros(1, 2), torch.ones(1, 2).bool()
    )
    assert ratio.isfinite().all()


def test_unknown_levels_are_refused():
    with pytest.raises(ValueError, match="'word'"):
        probability_ratio(torch.zeros(1, 1), torch.zeros(1, 1), torch.ones(1, 1).bool(), "word")
