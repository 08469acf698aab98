"""Sampling: the distribution of the model, by the seed alone, with the log-probs of the trainer."""

import numpy as np
import pytest
import torch

from ttrl_agents.policy.log_probs import LogProbs, TokenBatch
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.samplers.decoding import draw_tokens, measure_tokens

PROMPTS = (
    ["What is 3 plus 4?"] * 6 + ["How many marbles does Mia have now?"] * 6 + ["7 times 8"] * 4
)


def as_rows(completions):
    return [(str(c), c.token_ids.tolist(), c.finished) for c in completions]


def test_a_seed_names_the_draw(random_policy):
    sampler, params = TransformersSampler(random_policy), SamplingParams(12)
    first = sampler.sample(PROMPTS, params, seed=1)
    assert as_rows(first) == as_rows(sampler.sample(PROMPTS, params, seed=1))
    assert as_rows(first) != as_rows(sampler.sample(PROMPTS, params, seed=2))
    assert len({str(c) for c in first[:6]}) > 1  # equal prompts draw independently


@pytest.mark.parametrize("rows", [1, 3, 7])
def test_what_a_row_draws_does_not_depend_on_its_batch(random_policy, rows):
    params = SamplingParams(20)
    whole = TransformersSampler(random_policy).sample(PROMPTS, params, seed=3)
    parts = TransformersSampler(random_policy, max_rows=rows).sample(PROMPTS, params, seed=3)
    assert as_rows(whole) == as_rows(parts)


def test_log_probs_are_those_of_the_trainer(random_policy):
    params = SamplingParams(16, temperature=0.7)
    completions = TransformersSampler(random_policy).sample(PROMPTS, params, seed=0)
    batch = TokenBatch.from_ids(
        random_policy.encode_prompts(PROMPTS),
        [c.token_ids for c in completions],
        pad_token_id=random_policy.pad_token_id,
    )
    scored = LogProbs(random_policy)(batch, 0.7)[0].detach().numpy()
    for row, completion in zip(scored, completions, strict=True):
        assert row[: len(completion.token_ids)] == pytest.approx(completion.log_probs, abs=1e-4)


def test_finished_says_whether_the_end_was_reached(random_policy):
    completions = TransformersSampler(random_policy).sample(PROMPTS * 8, SamplingParams(30), seed=5)
    end = random_policy.end_token_ids
    for completion in completions:
        assert completion.finished == (completion.token_ids[-1] in end)
        assert not np.isin(completion.token_ids[:-1], end).any()
        assert completion.finished or len(completion.token_ids) == 30
    assert {c.finished for c in completions} == {True, False}


def test_temperature_zero_is_greedy_generation(random_policy):
    found = TransformersSampler(random_policy).sample(PROMPTS, SamplingParams(10, 0.0), seed=0)
    for prompt, completion in list(zip(PROMPTS, found, strict=True))[::5]:
        ids = torch.tensor(random_policy.encode_prompts([prompt]))
        expected = random_policy.model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=10, do_sample=False
        )[0, ids.shape[1] :]
        assert completion.token_ids.tolist() == expected.tolist()


def chi_square(counts, expected):
    return float(((counts - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("params", [SamplingParams(1), SamplingParams(1, 0.6, 0.9)])
def test_tokens_are_drawn_with_the_models_probabilities(params):
    logits = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0, -6.0])
    n = 50_000
    uniforms = torch.from_numpy(np.random.default_rng(0).random(n))
    tokens, log_probs = draw_tokens(logits.expand(n, -1), uniforms, params)
    expected = (logits / params.temperature).softmax(-1)
    if params.top_p < 1:
        order = expected.argsort(descending=True)
        kept = order[: int((expected[order].cumsum(-1) < params.top_p).sum()) + 1]
        expected = torch.zeros(6).index_add(0, kept, expected[kept])
        expected /= expected.sum()
    counts = torch.bincount(tokens, minlength=6).double()
    possible = expected > 0
    assert (counts[~possible] == 0).all()
    # 99.99th percentile of the chi-square distribution with at most 5 degrees of freedom
    assert chi_square(counts[possible].numpy(), (n * expected[possible]).numpy()) < 25.7
    assert torch.allclose(log_probs, expected[tokens].log(), atol=1e-5)


def test_progress_counts_every_token(random_policy):
    counted = []
    completions = TransformersSampler(random_policy).sample(
        PROMPTS, SamplingParams(9), seed=0, progress=counted.append
    )
    assert sum(counted) == sum(len(c.token_ids) for c in completions)


class Watch:
    """Notes which completions are finished, and after how many tokens."""

    def __init__(self):
        self.tokens, self.places, self.after = 0, [], []

    def __call__(self, tokens):
        self.tokens += tokens

    def finished(self, places):
        self.places += places
        self.after += [self.tokens] * len(places)


@pytest.mark.parametrize("rows", [None, 7])
def test_each_completion_is_reported_once_when_it_is_finished(random_policy, rows):
    watch, prompts = Watch(), PROMPTS * 20
    completions = TransformersSampler(random_policy, rows).sample(
        prompts, SamplingParams(30), seed=0, progress=watch
    )
    assert sorted(watch.places) == list(range(len(prompts)))
    assert watch.after == sorted(watch.after)
    assert watch.after[0] < watch.after[-1] == sum(len(c.token_ids) for c in completions)
    if rows is None:  # in one batch the shorter ones are not reported after the longer ones
        lengths = [len(completions[place].token_ids) for place in watch.places]
        assert lengths[0] < max(lengths)


@pytest.mark.parametrize("bad", [{"max_tokens": 0}, {"temperature": -1}, {"top_p": 0}])
def test_params_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        SamplingParams(**{"max_tokens": 4, **bad})


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_token_statistics_are_those_of_the_definition(temperature):
    logits = torch.randn(5, 11, generator=torch.Generator().manual_seed(0))
    entropies, certainties = measure_tokens(logits, SamplingParams(1, temperature, top_p=0.5))
    z = logits.double() / (temperature or 1)
    p = z.softmax(-1)
    torch.testing.assert_close(entropies.double(), -(p * p.log()).sum(-1), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(certainties.double(), z.logsumexp(-1) - z.mean(-1))
    # KL(U || p) + log V
    uniform = torch.full_like(p, 1 / 11)
    divergence = (uniform * (uniform / p).log()).sum(-1)
    torch.testing.assert_close(certainties.double(), divergence + np.log(11))


def test_an_impossible_token_has_no_entropy():
    logits = torch.tensor([[0.0, 0.0, -torch.inf]])
    entropies, _ = measure_tokens(logits, SamplingParams(1))
    torch.testing.assert_close(entropies, torch.tensor([np.log(2)], dtype=torch.float32))


def test_completions_come_with_statistics_only_where_asked(random_policy):
    sampler = TransformersSampler(random_policy)
    plain = sampler.sample(["1 + 1?", "2 + 2?"] * 4, SamplingParams(12), seed=3)
    asked = SamplingParams(12, token_statistics=True)
    told = sampler.sample(["1 + 1?", "2 + 2?"] * 4, asked, seed=3)
    assert all(each.entropies is None and each.self_certainties is None for each in plain)
    batch = TokenBatch.from_ids(
        random_policy.encode_prompts(["1 + 1?", "2 + 2?"] * 4),
        [each.token_ids for each in told],
        pad_token_id=random_policy.pad_token_id,
    )
    with torch.no_grad():
        _, entropies = LogProbs(random_policy)(batch, 1.0)
    for mine, one, row in zip(told, plain, entropies, strict=True):
        # Asking changes nothing of what is drawn.
        assert mine == one
        np.testing.assert_array_equal(mine.token_ids, one.token_ids)
        np.testing.assert_array_equal(mine.log_probs, one.log_probs)
        # They are the trainer's own entropies.
        size = len(mine.token_ids)
        np.testing.assert_allclose(mine.entropies, row[:size].numpy(), atol=1e-5)
        assert (mine.self_certainties > np.log(random_policy.model.config.vocab_size)).all()
