"""The divergence from the start: right, cheap, and without consequences."""

import copy
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_runs import assert_same_run, metrics_of, small

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.instruments.start_divergence import StartDivergence, make_start_divergence
from ttrl_agents.policy.policy import Policy
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import SamplingParams, make_sampler
from ttrl_agents.trainer import Trainer
from ttrl_env.completion import Completion

PROMPTS = ["What is 1 + 1?"] * 4 + ["What is 12 + 30?"] * 4


def rollout_of(policy, step=0, temperature=0.7):
    sampler = make_sampler(policy, TrainConfig())
    completions = sampler.sample(PROMPTS, SamplingParams(12, temperature), seed=1)
    nothing = np.zeros(8)
    return Rollout(PROMPTS, completions, nothing, nothing.astype(bool), 4, step)


def moved(policy):
    model = copy.deepcopy(policy.model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.8)
    return Policy(model, policy.tokenizer, "moved")


def test_it_is_nothing_at_the_start(random_policy):
    measure = StartDivergence(random_policy, 5, 0.7).measure
    assert measure(rollout_of(random_policy))["kl_start"] == pytest.approx(0, abs=1e-6)


def test_it_is_the_mean_difference_of_log_probabilities(random_policy):
    start, policy = moved(random_policy), random_policy
    rollout = rollout_of(policy)
    differences = []
    for prompt, completion in zip(rollout.prompts, rollout.completions, strict=True):
        ids = list(start.encode_prompts([prompt])[0])
        with torch.no_grad():
            logits = start.model(torch.tensor([ids + completion.token_ids.tolist()])).logits[0]
        log_probs = (logits / 0.7).log_softmax(-1)[len(ids) - 1 : -1]
        of_start = log_probs.gather(1, torch.tensor(completion.token_ids)[:, None])[:, 0]
        differences += (completion.log_probs - of_start.numpy()).tolist()
    expected = np.mean(differences)
    assert expected > 0.01
    for budget in (1, 4096):
        got = StartDivergence(start, 1, 0.7, budget).measure(rollout)["kl_start"]
        assert got == pytest.approx(expected, rel=1e-4)


def test_it_looks_at_the_first_rows_of_each_group(random_policy):
    start, rollout = moved(random_policy), rollout_of(random_policy)
    some = list(rollout.completions)
    for row in (2, 3, 6, 7):
        some[row] = Completion("?", token_ids=[5], log_probs=[-50.0])
    two = StartDivergence(start, 1, 0.7, rows=2)
    assert two.measure(rollout) == two.measure(replace(rollout, completions=some))
    four = StartDivergence(start, 1, 0.7)
    assert four.measure(rollout) != four.measure(replace(rollout, completions=some))


def test_it_is_due_every_so_many_steps_and_nan_where_nothing_is_known(random_policy):
    rollout = rollout_of(random_policy)
    measure = StartDivergence(random_policy, 3, 0.7).measure
    due = [bool(measure(replace(rollout, step=step))) for step in range(7)]
    assert due == [True, False, False, True, False, False, True]
    plain = replace(rollout, completions=[Completion("1")] * 8)
    assert math.isnan(measure(plain)["kl_start"])


def test_small_models_are_measured_by_default_and_large_ones_when_asked(random_policy):
    divergence = make_start_divergence(random_policy, TrainConfig())
    assert divergence is not None
    assert divergence.every == 5
    assert make_start_divergence(random_policy, TrainConfig(monitor_kl_every=0)) is None

    class Large(Policy):
        num_parameters = 10_000_000

    large = Large(random_policy.model, random_policy.tokenizer, "large")
    assert make_start_divergence(large, TrainConfig()) is None
    asked = make_start_divergence(large, TrainConfig(monitor_kl_every=7))
    assert asked is not None
    assert asked.every == 7


def test_measuring_changes_nothing_else(tmp_path):
    options = {"steps": 3, "schedule": "constant"}
    Trainer(small(tmp_path / "often", monitor_kl_every=1, **options)).run()
    Trainer(small(tmp_path / "never", monitor_kl_every=0, **options)).run()
    rows = metrics_of(tmp_path / "often")
    assert rows[0]["kl_start"] == pytest.approx(0, abs=1e-5)
    assert rows[2]["kl_start"] != rows[1]["kl_start"]
    path = tmp_path / "often" / "metrics.jsonl"
    without = [{k: v for k, v in row.items() if k != "kl_start"} for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in without))
    assert_same_run(tmp_path / "often", tmp_path / "never")
