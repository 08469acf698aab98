"""The agent: what an update costs, what it changes, and what it keeps."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ttrl_agents.cli.entry import main
from ttrl_agents.config.algorithms import ALGORITHMS
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.rollout import Rollout
from ttrl_agents.trainer import Interrupted, Trainer, resume_config
from ttrl_env.completion import Completion

QUESTIONS, VOTES = 4, 4


def agent_of(policy, **options):
    config = TrainConfig(
        steps=10,
        warmup_steps=0,
        schedule="constant",
        questions_per_step=QUESTIONS,
        n_votes=VOTES,
        max_tokens=12,
        device="cpu",
        **{"learning_rate": 1e-2, **options},
    )
    return PolicyGradientAgent(policy, config)


def rollout_of(agent, step=0, **columns):
    """Sampled by the policy; every second completion is rewarded, and some groups are constant."""
    prompts = [f"{q} + {q} = ?" for q in range(QUESTIONS) for _ in range(VOTES)]
    completions = agent.act(prompts, step)
    rewards = np.tile([1.0, 0.0, 1.0, 0.0], QUESTIONS)
    rewards[:VOTES] = 1.0
    return Rollout(
        prompts=prompts,
        completions=completions,
        rewards=rewards,
        abstained=np.zeros(len(prompts), dtype=bool),
        group_size=VOTES,
        step=step,
        **columns,
    )


def weights_of(policy):
    return {name: each.detach().clone() for name, each in policy.model.named_parameters()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


class Counting:
    """Counts passes of the policy's log-probabilities."""

    def __init__(self, log_probs):
        self.inner, self.with_gradient, self.without = log_probs, 0, 0

    def __call__(self, *arguments, **options):
        if torch.is_grad_enabled():
            self.with_gradient += 1
        else:
            self.without += 1
        return self.inner(*arguments, **options)


@pytest.mark.parametrize(
    ("options", "updates", "scored"),
    [
        ({}, 1, 0),
        ({"epochs": 2}, 2, 1),
        ({"minibatches": 4}, 3, 1),  # the fourth question has no contrast, so no update
        ({"minibatches": 2, "epochs": 2}, 4, 1),
        ({"kl_coef": 0.1}, 1, 0),
        ({"kl_coef": 0.1, "kl_in": "reward", "kl_estimator": "k1"}, 1, 1),
    ],
)
def test_old_log_probs_are_computed_only_where_they_are_needed(
    random_policy, options, updates, scored
):
    agent = agent_of(random_policy, **options)
    agent._log_probs = counting = Counting(agent._log_probs)
    metrics = agent.learn(rollout_of(agent))
    assert metrics["updates"] == counting.with_gradient == updates
    assert counting.without == scored
    assert metrics["skipped"] == 0
    if updates == 1:
        assert metrics["ratio_mean"] == metrics["ratio_max"] == 1
        assert metrics["clip_fraction"] == 0
    else:
        assert metrics["ratio_max"] > 1


def test_the_first_of_several_updates_is_at_ratio_one(random_policy):
    # With nothing moved yet, two epochs at rate 0 are twice the one update.
    once = agent_of(random_policy, learning_rate=0.0)
    rollout = rollout_of(once)
    single = once.learn(rollout)
    double = agent_of(random_policy, learning_rate=0.0, epochs=2).learn(rollout)
    for name in ("loss", "entropy", "grad_norm", "ratio_mean", "ratio_max"):
        assert double[name] == pytest.approx(single[name], rel=1e-4, abs=1e-6)
    assert double["clip_fraction"] == 0


def minibatch_rows(agent, rollout, epoch):
    experience = agent._experience(rollout)
    return [rows.tolist() for rows, _ in agent._minibatches(experience, rollout, epoch)]


def test_minibatches_are_equal_parts_in_an_order_named_by_seed_step_and_epoch(random_policy):
    agent = agent_of(random_policy, minibatches=2)
    rollout = rollout_of(agent)
    parts = minibatch_rows(agent, rollout, 0)
    assert parts == minibatch_rows(agent_of(random_policy, minibatches=2), rollout, 0)
    assert sorted(row for part in parts for row in part) == list(
        range(12)
    )  # the constant group is left out
    orders = {str(minibatch_rows(agent, rollout, epoch)) for epoch in range(12)}
    orders |= {str(minibatch_rows(agent, replace(rollout, step=s), 0)) for s in range(12)}
    assert len(orders) > 3
    other = agent_of(random_policy, minibatches=2, seed=5)
    assert any(
        minibatch_rows(agent, rollout, e) != minibatch_rows(other, rollout, e) for e in range(6)
    )


@pytest.mark.parametrize("name", ALGORITHMS)
def test_micro_batches_change_nothing_beyond_rounding(random_policy, name):
    # At rate 0, so that every update starts from the same weights.
    options = {"algorithm": name, "learning_rate": 0.0, "critic_learning_rate": 0.0}
    large, small = (agent_of(random_policy, micro_batch_tokens=n, **options) for n in (4096, 20))
    rollout = rollout_of(large)
    whole, split = large.learn(rollout), small.learn(rollout)
    assert whole.keys() == split.keys()
    for key, value in whole.items():
        assert split[key] == pytest.approx(value, rel=1e-3, abs=1e-5), key


def test_a_fixed_budget_counts_completions_without_a_gradient_too(random_policy):
    agent = agent_of(random_policy, algorithm="dr-grpo", learning_rate=0.0)
    rollout = rollout_of(agent)
    whole = agent.learn(rollout)["grad_norm"]
    half = replace(
        rollout,
        prompts=rollout.prompts[VOTES:],
        completions=rollout.completions[VOTES:],
        rewards=rollout.rewards[VOTES:],
        abstained=rollout.abstained[VOTES:],
    )
    assert agent.learn(half)["grad_norm"] == pytest.approx(whole * 4 / 3, rel=1e-4)


def test_an_entropy_bonus_raises_the_entropy(random_policy):
    before = weights_of(random_policy)
    entropies = []
    for bonus in (0.0, 5.0):
        random_policy.model.load_state_dict(before, strict=False)
        agent = agent_of(random_policy, entropy_coef=bonus)
        rollout = rollout_of(agent)
        for _ in range(3):
            agent.learn(rollout)
        entropies.append(agent.learn(rollout)["entropy"])
    assert entropies[1] > entropies[0] + 0.01


def test_weights_of_zero_and_given_advantages_reach_the_update(random_policy):
    agent = agent_of(random_policy)
    rollout = rollout_of(agent, weights=np.r_[np.zeros(12), np.ones(4)])
    assert agent.learn(rollout)["trained_completions"] == 4
    given = replace(rollout, weights=None, advantages=np.r_[np.zeros(15), 1.0])
    assert agent.learn(given)["trained_completions"] == 1


def test_a_rollout_without_contrast_changes_nothing(random_policy):
    agent = agent_of(random_policy, algorithm="ppo")
    rollout = replace(rollout_of(agent), abstained=np.ones(QUESTIONS * VOTES, dtype=bool))
    before = weights_of(random_policy)
    metrics = agent.learn(rollout)
    assert metrics["trained_completions"] == 0
    assert same(before, weights_of(random_policy))


@pytest.mark.parametrize("algorithm", ["grpo", "ppo"])
def test_an_update_that_is_not_finite_is_skipped_counted_and_dumped(
    random_policy, tmp_path, algorithm
):
    agent = agent_of(random_policy, algorithm=algorithm, output=tmp_path, minibatches=2)
    rollout = rollout_of(agent, step=7)
    rollout.rewards[-1] = np.inf
    before = weights_of(random_policy)
    tensors = agent.tensors()
    metrics = agent.learn(rollout)
    # In ppo one infinite reward spoils the whitening of all; in grpo its own group alone.
    assert metrics["skipped"] == (2 if algorithm == "ppo" else 1)
    assert same(before, weights_of(random_policy)) == (algorithm == "ppo")
    if algorithm == "ppo":
        assert same(tensors, agent.tensors())
    assert all(p.grad is None for p in random_policy.model.parameters())
    folder = tmp_path / "non_finite" / "step-000007"
    facts = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    assert len(facts) == metrics["skipped"]
    for each in facts:
        assert each["step"] == 7
        assert each["loss"] in ("nan", "inf", "-inf")
        held = load_file(folder / each["tensors"])
        rows = len(each["rewards"])
        mask = held["completion_mask"]
        for key in ("completion_ids", "log_probs", "advantages", "sampler_log_probs"):
            assert held[key].shape[0] == rows, key
        assert held["log_probs"][mask].isfinite().all()
        assert (held["old_log_probs"] - held["sampler_log_probs"])[mask].abs().max() < 1e-4
    assert any(np.isinf(each["rewards"]).any() for each in facts)


def test_an_importance_correction_needs_the_sampler_s_log_probs(random_policy):
    agent = agent_of(random_policy, importance_correction="mask")
    rollout = rollout_of(agent)
    metrics = agent.learn(rollout)
    assert metrics["importance_masked"] == 0
    assert metrics["importance_mean"] == metrics["importance_max"] == 1
    bare = [Completion(str(each), token_ids=each.token_ids) for each in rollout.completions]
    with pytest.raises(AgentError, match="--importance-correction none"):
        agent.learn(replace(rollout, completions=bare))
    assert agent_of(random_policy).learn(replace(rollout, completions=bare))["log_prob_gap"] == 0


def test_gradient_checkpointing_gives_the_same_numbers(random_policy):
    options = {"algorithm": "ppo", "learning_rate": 0.0, "critic_learning_rate": 0.0}
    plain, saving = (
        agent_of(random_policy, gradient_checkpointing=which, **options) for which in (False, True)
    )
    rollout = rollout_of(plain)
    found, expected = saving.learn(rollout), plain.learn(rollout)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-3, abs=1e-5), name


def test_the_critic_learns_what_to_expect_and_goes_on_where_it_was(random_policy):
    agent = agent_of(random_policy, algorithm="ppo", learning_rate=0.0, critic_learning_rate=1e-2)
    rollout = rollout_of(agent)
    first = agent.learn(rollout)
    assert first["explained_variance"] == pytest.approx(0, abs=1e-6)  # it begins at zero
    for _ in range(6):
        last = agent.learn(rollout)
    assert last["explained_variance"] > 0.5
    assert last["value_loss"] < first["value_loss"] / 2
    saved = {name: each.clone() for name, each in agent.tensors().items()}
    assert any(name.startswith("critic/weights/trunk.") for name in saved)
    other = agent_of(random_policy, algorithm="ppo", learning_rate=0.0, critic_learning_rate=1e-2)
    other.restore(saved)
    assert agent.learn(rollout) == other.learn(rollout)
    assert same(agent.tensors(), other.tensors())


def test_a_checkpoint_without_its_critic_is_refused(random_policy):
    with pytest.raises(AgentError, match="another critic"):
        agent_of(random_policy, algorithm="ppo").restore({})


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_learns_to_be_rewarded(random_policy, name):
    # The reward of a completion: the share of its tokens that have an even id.
    config = TrainConfig(
        algorithm=name,
        warmup_steps=0,
        schedule="constant",
        questions_per_step=QUESTIONS,
        n_votes=16,
        max_tokens=4,
        learning_rate=1e-2,
        device="cpu",
    )
    agent = PolicyGradientAgent(random_policy, config)
    prompts = [f"{q} + {q} = ?" for q in range(QUESTIONS) for _ in range(16)]
    means = []
    for step in range(14):
        completions = agent.act(prompts, step)
        rewards = np.array([np.mean(each.token_ids % 2 == 0) for each in completions])
        means.append(rewards.mean())
        agent.learn(
            Rollout(prompts, completions, rewards, np.zeros(len(prompts), dtype=bool), 16, step)
        )
    assert np.mean(means[-3:]) > np.mean(means[:2]) + 0.2, means


class StopAfterOne:
    """Asks the trainer to stop after its first step."""

    def __getattr__(self, name):
        return lambda *arguments: None

    def on_start(self, trainer):
        self.trainer = trainer

    def on_step(self, step, metrics):
        if step == 1:
            self.trainer.request_stop()

    def state_dict(self):
        return {}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ("gspo", "ppo") else pytest.mark.slow)
        for name in ALGORITHMS
    ],
)
def test_every_algorithm_trains_from_the_command_line_and_resumes_bit_for_bit(
    tmp_path, name, capsys
):
    options = f"--algorithm {name} --kl-coef 0.1 --steps 2 --questions-per-step 2 --n-votes 4"
    options += " --max-tokens 40 --learning-rate 1e-3 --no-evaluate --seed 3"
    whole, halted = tmp_path / "whole", tmp_path / "halted"
    assert main(["train", *options.split(), "--output", str(whole)]) == 0
    capsys.readouterr()
    config = replace(resume_config(whole), output=halted)
    with pytest.raises(Interrupted):
        Trainer(config, [StopAfterOne()]).run()
    Trainer(resume_config(halted), resume=True).run()
    runs = []
    for folder in (whole, halted):
        lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
        runs.append([{k: v for k, v in line.items() if "second" not in k} for line in lines])
    assert runs[0] == runs[1]
    assert all(np.isfinite(row["loss"]) and row["skipped"] == 0 for row in runs[0])
    assert any(row["trained_completions"] for row in runs[0])
    first, second = (load_file(f / "checkpoint" / "model.safetensors") for f in (whole, halted))
    assert same(first, second)
