"""Log-probabilities: the same as the plain way, whatever the padding, the chunks and the batch."""

import numpy as np
import pytest
import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.policy import lm_head as module
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.policy.token_batch import TokenBatch, pad

PROMPTS = [(5, 6, 7), (5, 6, 7), (8, 9), (10,)]
COMPLETIONS = [[11, 12], [13], [14, 15, 16, 3], [17, 3, 9]]


def batch_of(policy, rows=range(4)):
    return TokenBatch.from_ids(
        [PROMPTS[i] for i in rows],
        [COMPLETIONS[i] for i in rows],
        pad_token_id=policy.pad_token_id,
    )


def plain(policy, prompt, completion, temperature):
    """One row, no padding, no cache: the definition."""
    ids = torch.tensor([[*prompt, *completion]])
    logits = policy.model(input_ids=ids).logits[0, len(prompt) - 1 : -1] / temperature
    normalised = logits.log_softmax(-1)
    chosen = normalised.gather(-1, torch.tensor(completion)[:, None]).squeeze(-1)
    return chosen, -(normalised.exp() * normalised).sum(-1)


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_equal_to_the_log_softmax_of_each_row_alone(random_policy, temperature):
    found, entropies = LogProbs(random_policy)(batch_of(random_policy), temperature)
    assert found.shape == (4, 4)
    for row, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
        expected, expected_entropy = plain(random_policy, prompt, completion, temperature)
        n = len(completion)
        assert torch.allclose(found[row, :n], expected, atol=1e-5)
        assert torch.allclose(entropies[row, :n], expected_entropy, atol=1e-5)
        assert (found[row, n:] == 0).all()
        assert (entropies[row, n:] == 0).all()


def gradients(policy, compute):
    policy.model.zero_grad()
    compute().backward()
    return {name: p.grad.clone() for name, p in policy.model.named_parameters()}


def test_the_gradient_through_shared_prompts_is_that_of_each_row_alone(random_policy):
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0])
    shared = gradients(
        random_policy,
        lambda: (LogProbs(random_policy)(batch_of(random_policy), 1.0)[0].sum(1) * weights).sum(),
    )
    alone = gradients(
        random_policy,
        lambda: sum(
            w * plain(random_policy, p, c, 1.0)[0].sum()
            for w, p, c in zip(weights, PROMPTS, COMPLETIONS, strict=True)
        ),
    )
    for name, expected in alone.items():
        assert torch.allclose(shared[name], expected, atol=1e-4), name


@pytest.mark.parametrize("chunked", [False, True])
def test_the_gradient_of_entropies_is_that_of_each_row_alone(random_policy, monkeypatch, chunked):
    scorer, batch = LogProbs(random_policy), batch_of(random_policy)
    assert not scorer(batch, 1.0)[1].requires_grad
    if chunked:
        monkeypatch.setattr(module, "_CPU_CHUNK", 3 * random_policy.vocabulary_size)
    found = gradients(
        random_policy, lambda: scorer(batch, 1.0, entropy="gradient")[1].square().sum()
    )
    alone = gradients(
        random_policy,
        lambda: sum(
            plain(random_policy, p, c, 1.0)[1].square().sum()
            for p, c in zip(PROMPTS, COMPLETIONS, strict=True)
        ),
    )
    for name, expected in alone.items():
        assert torch.allclose(found[name], expected, atol=1e-3, rtol=1e-3), name


def test_layers_computed_again_give_the_same_values_and_gradients(random_policy):
    batch = batch_of(random_policy)
    plainly, saving = LogProbs(random_policy), LogProbs(random_policy, gradient_checkpointing=True)
    calls = []
    attention = random_policy.model.model.layers[0].self_attn
    handle = attention.register_forward_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    found = gradients(random_policy, lambda: saving(batch, 0.7)[0].square().sum())
    assert len(calls) == 2  # once forward, once again for the gradient
    handle.remove()
    assert torch.allclose(saving(batch, 0.7)[0], plainly(batch, 0.7)[0], atol=1e-5)
    expected = gradients(random_policy, lambda: plainly(batch, 0.7)[0].square().sum())
    for name, grad in expected.items():
        assert torch.allclose(found[name], grad, atol=1e-4, rtol=1e-4), name
    assert "forward" not in vars(random_policy.model.model.layers[0])


def test_without_a_gradient_prompts_are_shared_after_all(random_policy, monkeypatch):
    saving = LogProbs(random_policy, gradient_checkpointing=True)
    monkeypatch.setattr(saving, "_outputs_computed_again", None)
    with torch.no_grad():
        assert saving(batch_of(random_policy), 1.0)[0].isfinite().all()


def test_a_model_without_layers_to_compute_again_is_refused(random_policy, monkeypatch):
    monkeypatch.setattr(random_policy.model, "modules", lambda: iter(()))
    with pytest.raises(AgentError, match="--no-gradient-checkpointing"):
        LogProbs(random_policy, gradient_checkpointing=True)


def test_chunks_change_neither_values_nor_gradients(random_policy, monkeypatch):
    scorer, batch = LogProbs(random_policy), batch_of(random_policy)
    assert scorer.chunked
    whole = gradients(random_policy, lambda: scorer(batch, 1.0)[0].sum())
    values = scorer(batch, 1.0)[0]
    monkeypatch.setattr(module, "_CPU_CHUNK", 3 * random_policy.vocabulary_size)
    assert torch.allclose(scorer(batch, 1.0)[0], values, atol=1e-6)
    for name, grad in gradients(random_policy, lambda: scorer(batch, 1.0)[0].sum()).items():
        assert torch.allclose(grad, whole[name], atol=1e-5), name


def test_a_model_that_changes_its_logits_is_noticed_and_scored_whole(random_policy):
    head = random_policy.model.lm_head
    expected = LogProbs(random_policy)(batch_of(random_policy), 1.0)[0]

    def halve(_module, _inputs, output):
        output.logits = output.logits / 2
        return output

    handle = random_policy.model.register_forward_hook(halve)
    scorer = LogProbs(random_policy)
    assert not scorer.chunked
    halved = scorer(batch_of(random_policy), 1.0)[0]
    handle.remove()
    doubled = LogProbs(random_policy)(batch_of(random_policy), 2.0)[0]
    assert torch.allclose(halved, doubled, atol=1e-5)
    assert not torch.allclose(halved, expected, atol=1e-2)
    assert head is random_policy.model.get_output_embeddings()


def test_pad_puts_tokens_on_the_side_asked_for():
    ids, mask = pad([[1, 2, 3], np.array([4])], 0, left=True)
    assert ids.tolist() == [[1, 2, 3], [0, 0, 4]]
    assert mask.tolist() == [[True] * 3, [False, False, True]]
    ids, mask = pad([[1, 2, 3], [4]], 0)
    assert ids.tolist() == [[1, 2, 3], [4, 0, 0]]


def test_an_empty_completion_is_refused(random_policy):
    with pytest.raises(ValueError, match="at least one token"):
        TokenBatch.from_ids([(1,)], [[]], pad_token_id=0)
