"""Estimates of a divergence."""

import pytest
import torch

from ttrl_agents.learning.losses import kl_estimate


def test_published_values():
    log_probs, reference = torch.tensor([-0.1]).double(), torch.zeros(1).double()
    assert kl_estimate(log_probs, reference, "k1").item() == pytest.approx(-0.1)
    assert kl_estimate(log_probs, reference, "k2").item() == pytest.approx(0.005)
    assert kl_estimate(log_probs, reference, "k3").item() == pytest.approx(0.0051709, abs=1e-7)


@pytest.mark.parametrize("estimator", ["k1", "k3"])
def test_right_on_average(estimator):
    policy = torch.tensor([0.7, 0.2, 0.1], dtype=torch.float64)
    reference = torch.tensor([0.3, 0.3, 0.4], dtype=torch.float64)
    per_token = kl_estimate(policy.log(), reference.log(), estimator)
    assert estimator == "k1" or (per_token >= 0).all()
    exact = (policy * (policy / reference).log()).sum()
    assert (policy * per_token).sum().item() == pytest.approx(exact.item())


def test_as_a_loss_k2_has_the_gradient_of_the_divergence_and_k1_none():
    scores = torch.tensor([0.5, -0.2, 0.1], dtype=torch.float64).requires_grad_()
    reference = torch.tensor([0.3, 0.3, 0.4], dtype=torch.float64).log()

    def gradient(loss):
        return torch.autograd.grad(loss(scores.log_softmax(0)), scores)[0]

    exact = gradient(lambda log_probs: (log_probs.exp() * (log_probs - reference)).sum())
    # Averaged over tokens drawn from the policy, which the draw holds still.
    weights = scores.detach().softmax(0)
    k1, k2 = (
        gradient(lambda log_probs, k=k: (weights * kl_estimate(log_probs, reference, k)).sum())
        for k in ("k1", "k2")
    )
    assert torch.allclose(k2, exact)
    assert torch.allclose(k1, torch.zeros(3).double(), atol=1e-15)


def test_k3_is_bounded_where_a_token_is_impossible():
    assert kl_estimate(torch.tensor([-1e4]), torch.tensor([0.0])).item() == 10.0


def test_an_unknown_estimator_is_refused():
    with pytest.raises(ValueError, match="k4"):
        kl_estimate(torch.zeros(1), torch.zeros(1), "k4")
