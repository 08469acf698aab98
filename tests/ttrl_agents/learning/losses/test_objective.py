"""The whole objective, for every preset: what it is at ratio 1, and what must not matter."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_agents.config.algorithms import ALGORITHMS
from ttrl_agents.learning.losses import Counts, LossInputs, aggregate, policy_objective

ROWS, WIDTH = 6, 7
# Every term at once.
LOADED = {
    "kl_coef": 0.3,
    "entropy_coef": 0.1,
    "importance_correction": "truncate",
    "importance_level": "geometric",
    "dual_clip": 3.0,
}


def random_batch(seed):
    """Log-probabilities, entropies and all that a loss may be computed from, float64."""
    generator = torch.Generator().manual_seed(seed)
    now, old, reference, sampler, entropies = -torch.rand(
        5, ROWS, WIDTH, generator=generator, dtype=torch.float64
    )
    lengths = torch.randint(1, WIDTH + 1, (ROWS,), generator=generator)
    mask = torch.arange(WIDTH) < lengths[:, None]
    advantages = torch.randn(ROWS, WIDTH, generator=generator, dtype=torch.float64)
    return now, -entropies, LossInputs(mask, advantages, old, reference, sampler)


def part_of(inputs, rows):
    return LossInputs(*(getattr(inputs, name)[rows] for name in LossInputs.__dataclass_fields__))


def gradients(algorithm, log_probs, entropies, inputs, counts):
    leaves = log_probs.clone().requires_grad_(), entropies.clone().requires_grad_()
    loss, sums, maxima = policy_objective(algorithm, *leaves, inputs, counts)
    loss.backward()
    slopes = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
    return loss.detach(), *slopes, sums, maxima


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("old", ["given", "left out"])
def test_at_ratio_one_the_gradient_is_that_of_reinforce(name, old):
    log_probs, entropies, inputs = random_batch(0)
    inputs = LossInputs(inputs.mask, inputs.advantages, log_probs if old == "given" else None)
    algorithm, counts = ALGORITHMS[name], Counts.of(inputs.mask, 11)
    _, found, _, sums, maxima = gradients(algorithm, log_probs, entropies, inputs, counts)
    leaf = log_probs.clone().requires_grad_()
    aggregate(-inputs.advantages * leaf, inputs.mask, algorithm.aggregation, counts).backward()
    assert torch.allclose(found, leaf.grad, atol=1e-15)
    assert sums["ratio_mean"] == counts.tokens
    assert sums["clip_fraction"] == 0
    assert maxima["ratio_max"] == 1


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("options", [{}, LOADED], ids=["bare", "loaded"])
@given(seed=st.integers(0, 10_000), extra=st.integers(1, 4))
@settings(max_examples=10)
def test_padding_changes_nothing(name, options, seed, extra):
    algorithm = replace(ALGORITHMS[name], **options)
    log_probs, entropies, inputs = random_batch(seed)
    counts = Counts.of(inputs.mask)

    def wider(values, fill):
        return torch.nn.functional.pad(values, (0, extra), value=fill)

    loss, slope, entropy_slope, sums, maxima = gradients(
        algorithm, log_probs, entropies, inputs, counts
    )
    padded = LossInputs(
        wider(inputs.mask, False),
        wider(inputs.advantages, 5.0),
        wider(inputs.old_log_probs, 7.0),
        wider(inputs.reference_log_probs, -9.0),
        wider(inputs.sampler_log_probs, float("nan")),
    )
    found = gradients(algorithm, wider(log_probs, -3.0), wider(entropies, 2.0), padded, counts)
    assert torch.allclose(loss, found[0])
    assert torch.allclose(wider(slope, 0.0), found[1])
    assert torch.allclose(wider(entropy_slope, 0.0), found[2])
    assert sums == pytest.approx(found[3])
    assert maxima == pytest.approx(found[4])


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("options", [{}, LOADED], ids=["bare", "loaded"])
@given(seed=st.integers(0, 10_000), order=st.permutations(range(ROWS)), cut=st.integers(1, ROWS))
@settings(max_examples=10)
def test_order_and_micro_batches_change_nothing(name, options, seed, order, cut):
    algorithm = replace(ALGORITHMS[name], **options)
    log_probs, entropies, inputs = random_batch(seed)
    counts = Counts.of(inputs.mask)
    loss, slope, entropy_slope, sums, _ = gradients(algorithm, log_probs, entropies, inputs, counts)
    total, totals = 0.0, dict.fromkeys(sums, 0.0)
    for rows in (order[:cut], order[cut:]):
        if not rows:
            continue
        part = gradients(algorithm, log_probs[rows], entropies[rows], part_of(inputs, rows), counts)
        total += part[0]
        assert torch.allclose(part[1], slope[rows])
        assert torch.allclose(part[2], entropy_slope[rows])
        totals = {key: value + part[3][key] for key, value in totals.items()}
    assert torch.allclose(loss, total)
    assert totals == pytest.approx(sums)


def test_terms_of_the_loss_add_up():
    log_probs, entropies, inputs = random_batch(3)
    counts = Counts.of(inputs.mask)
    plain = policy_objective(ALGORITHMS["grpo"], log_probs, entropies, inputs, counts)[0]
    algorithm = replace(ALGORITHMS["grpo"], kl_coef=2.0, kl_estimator="k2", entropy_coef=0.5)
    whole = policy_objective(algorithm, log_probs, entropies, inputs, counts)[0]
    mask = inputs.mask
    kl = (log_probs - inputs.reference_log_probs).square()[mask].mean() / 2
    assert whole.item() == pytest.approx((plain + 2 * kl - 0.5 * entropies[mask].mean()).item())
    shaped = replace(algorithm, kl_in="reward", entropy_coef=0.0)
    assert policy_objective(shaped, log_probs, entropies, inputs, counts)[0] == plain


def test_masked_tokens_are_counted_and_do_not_move():
    log_probs, entropies, inputs = random_batch(4)
    sampler = log_probs.clone()
    sampler[0] -= 3.0  # the sampler thought its first completion far less likely
    inputs = LossInputs(inputs.mask, inputs.advantages, None, None, sampler)
    algorithm = replace(ALGORITHMS["grpo"], importance_correction="mask")
    counts = Counts.of(inputs.mask)
    _, slope, _, sums, maxima = gradients(algorithm, log_probs, entropies, inputs, counts)
    assert not slope[0].any()
    assert slope[1:][inputs.mask[1:]].all()
    assert sums["importance_masked"] == int(inputs.mask[0].sum())
    assert sums["importance_mean"] == counts.tokens - sums["importance_masked"]
    assert maxima["log_prob_gap"] == pytest.approx(3)


def test_clipped_tokens_are_counted():
    mask = torch.ones(1, 4).bool()
    now = torch.tensor([[1.5, 1.5, 0.5, 0.5]]).log()
    inputs = LossInputs(mask, torch.tensor([[1.0, -1.0, 1.0, -1.0]]), torch.zeros(1, 4))
    counts = Counts.of(mask)
    for name, expected in (("grpo", 2), ("cispo", 0), ("sapo", 0)):
        _, sums, _ = policy_objective(ALGORITHMS[name], now, torch.zeros(1, 4), inputs, counts)
        assert sums["clip_fraction"] == expected
    dual = replace(ALGORITHMS["grpo"], dual_clip=1.4)
    assert policy_objective(dual, now, torch.zeros(1, 4), inputs, counts)[1]["clip_fraction"] == 3


def test_an_unknown_aggregation_is_refused():
    with pytest.raises(ValueError, match="'median'"):
        aggregate(torch.zeros(1, 1), torch.ones(1, 1).bool(), "median", Counts(1, 1, 1))
