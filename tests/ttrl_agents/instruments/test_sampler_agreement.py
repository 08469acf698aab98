"""Sampler and trainer: the same policy, or a number that says how far apart."""

import pytest
import torch

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.instruments.sampler_agreement import (
    AgreementTally,
    SamplerCheck,
    default_tolerance,
    measure_agreement,
)
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_env.completion import Completion

PROMPTS = ["What is 3 + 4?"] * 3 + ["What is 12 - 5?"] * 3


def sample(policy, temperature=0.7):
    params = SamplingParams(12, temperature)
    return TransformersSampler(policy).sample(PROMPTS, params, seed=0)


def test_the_model_agrees_with_itself(random_policy):
    found = measure_agreement(LogProbs(random_policy), PROMPTS, sample(random_policy), 0.7)
    assert found.largest < default_tolerance(torch.float32, 1.0)
    assert found.mean <= found.largest
    assert found.tokens > 6


def test_other_weights_or_another_temperature_do_not(random_policy):
    completions = sample(random_policy)
    allowed = default_tolerance(torch.float32, 1.0)
    log_probs = LogProbs(random_policy)
    assert measure_agreement(log_probs, PROMPTS, completions, 1.0).mean > allowed
    with torch.no_grad():
        random_policy.model.model.embed_tokens.weight.mul_(1.01)
    assert measure_agreement(log_probs, PROMPTS, completions, 0.7).mean > allowed


def test_it_looks_at_some_rows_from_first_to_last(random_policy):
    completions = sample(random_policy)
    found = measure_agreement(LogProbs(random_policy), PROMPTS, completions, 0.7, rows=2)
    assert found.tokens == len(completions[0].token_ids) + len(completions[-1].token_ids)


def test_a_sampler_that_tells_nothing_is_refused(random_policy):
    with pytest.raises(ValueError, match="no token ids or no log-probabilities"):
        measure_agreement(LogProbs(random_policy), ["?"], [Completion("x")], 1.0)


@pytest.mark.parametrize(("budget", "rows"), [(4096, 6), (24, 2), (1, 1)])
def test_a_check_runs_no_more_rows_than_a_micro_batch_holds(
    random_policy, monkeypatch, budget, rows
):
    completions = sample(random_policy)
    assert max(len(each.token_ids) for each in completions) == 12
    config = TrainConfig(temperature=0.7, micro_batch_tokens=budget, device="cpu")
    check, run = SamplerCheck(random_policy, config), []
    outputs = LogProbs.outputs
    monkeypatch.setattr(
        LogProbs, "outputs", lambda self, batch: run.append(batch) or outputs(self, batch)
    )
    assert check.measure(1, PROMPTS, completions)["sampler_gap"] < 1e-4
    assert [len(batch.completions) for batch in run] == [rows]


def test_tallies_of_several_batches_are_one(random_policy):
    row, mask = torch.tensor([[-1.0, -2.0, 0.0]]), torch.tensor([[True, True, False]])
    first, second = AgreementTally(), AgreementTally()
    first.add(row, row - 0.5, mask)
    second.add(row, row + 1.5, mask)
    found = AgreementTally.of([first.parts(), second.parts()]).result()
    assert (found.mean, found.largest, found.tokens) == (1.0, 1.5, 4)
    with pytest.raises(ValueError, match="no log-probabilities"):
        first.add(row, torch.full_like(row, torch.nan), mask)
