"""The LM head in chunks: the values and gradients of the plain way, added up in float32."""

import pytest
import torch

from ttrl_agents.policy.lm_head import head_log_probs, logit_log_probs

TOKENS, WIDTH, VOCABULARY = 77, 32, 301


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def compute(hidden, weight, bias, entropy, *, chunk=None, temperature=0.6):
    """Returns log-probabilities, entropies and the gradients of hidden states, weight and bias."""
    inputs = [None if x is None else x.clone().requires_grad_() for x in (hidden, weight, bias)]
    targets = torch.arange(TOKENS) * 7 % VOCABULARY
    if chunk is None:
        logits = torch.nn.functional.linear(*inputs)
        found = logit_log_probs(logits, targets, temperature, entropy=entropy)
    else:
        found = head_log_probs(*inputs, targets, temperature, entropy=entropy, chunk=chunk)
    loss = (found[0] * drawn(3, TOKENS).float()).sum()
    if entropy == "gradient":
        loss = loss + (found[1] * drawn(4, TOKENS).float()).sum()
    loss.backward()
    return [*found, *(None if x is None else x.grad for x in inputs)]


@pytest.mark.parametrize("chunk", [1, 10 * VOCABULARY, TOKENS * VOCABULARY])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("entropy", ["none", "value", "gradient"])
def test_chunks_give_what_the_plain_way_gives(chunk, bias, entropy):
    hidden, weight = drawn(0, TOKENS, WIDTH).float() * 3, drawn(1, VOCABULARY, WIDTH).float() / 5
    offset = drawn(2, VOCABULARY).float() if bias else None
    expected = compute(hidden, weight, offset, entropy)
    found = compute(hidden, weight, offset, entropy, chunk=chunk)
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            assert torch.allclose(ours, theirs, atol=2e-5, rtol=1e-5)


def test_entropies_carry_a_gradient_only_where_it_is_asked_for():
    hidden = torch.zeros(2, WIDTH, requires_grad=True)
    weight = torch.zeros(VOCABULARY, WIDTH, requires_grad=True)
    targets = torch.zeros(2, dtype=torch.long)
    for chunk in (VOCABULARY, 2 * VOCABULARY):
        for entropy, carries in (("value", False), ("gradient", True)):
            found = head_log_probs(hidden, weight, None, targets, 1.0, entropy=entropy, chunk=chunk)
            assert found[0].requires_grad
            assert found[1].requires_grad == carries
        none = head_log_probs(hidden, weight, None, targets, 1.0, entropy="none", chunk=chunk)
        assert none[1] is None


def test_a_frozen_head_has_no_gradient_and_still_passes_one_on():
    hidden = drawn(0, TOKENS, WIDTH).float().requires_grad_()
    weight = drawn(1, VOCABULARY, WIDTH).float()
    targets = torch.zeros(TOKENS, dtype=torch.long)
    head_log_probs(hidden, weight, None, targets, 1.0, chunk=VOCABULARY)[0].sum().backward()
    assert weight.grad is None
    assert hidden.grad.abs().max() > 0


def test_in_bfloat16_many_chunks_round_no_more_than_one():
    """The sum over chunks is in float32: autograd's own, in bfloat16, would drift."""
    hidden, weight = drawn(0, TOKENS, WIDTH).bfloat16(), drawn(1, VOCABULARY, WIDTH).bfloat16()
    exact = compute(hidden.double(), weight.double(), None, "value")[3]

    def error(chunk):
        found = compute(hidden, weight, None, "value", chunk=chunk)[3]
        return float((found.double() - exact).norm() / exact.norm())

    assert error(VOCABULARY) < 1.2 * error(TOKENS * VOCABULARY) < 0.01
