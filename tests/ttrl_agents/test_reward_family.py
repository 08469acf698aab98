"""Rewards beside the majority in a run: what they need reaches them, what they say is learned."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_runs import StopAfter

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.learning.policy_gradient import PolicyGradientAgent
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import make_sampler
from ttrl_agents.trainer import Interrupted, Trainer, resume_config
from ttrl_benchmarks import UnknownNameError
from ttrl_env.wrappers.consensus_reward import find_consensus_reward


def small(output, **options) -> TrainConfig:
    return TrainConfig(
        output=output,
        **{
            "steps": 4,
            "questions_per_step": 2,
            "n_votes": 4,
            "max_tokens": 40,
            "learning_rate": 1e-3,
            "evaluate": False,
            "checkpoint_every": 1,
            **options,
        },
    )


def weights_of(folder):
    return load_file(folder / "checkpoint" / "model.safetensors")


def watched(trainer, rollouts):
    """Keeps what the agent is given to learn from."""
    learn = trainer.agent.learn

    def watch(rollout: Rollout) -> dict[str, float]:
        rollouts.append(rollout)
        return learn(rollout)

    trainer.agent.learn = watch
    return trainer


@pytest.mark.parametrize(
    ("reward", "options"),
    [
        ("restrain(min_votes=2)", {}),
        ("ddrl", {}),
        ("entropy_shaped", {}),
        ("scrl(mode=continuous)", {}),
        ("co_rewarding", {"rephrase": "arithmetic"}),
    ],
)
def test_what_a_reward_says_reaches_the_learner(tmp_path, reward, options):
    rollouts: list[Rollout] = []
    trainer = watched(Trainer(small(tmp_path / "run", reward=reward, steps=2, **options)), rollouts)
    trainer.run()
    told = [c.entropies is not None for r in rollouts for c in r.completions]
    needs = reward.startswith(("entropy_shaped", "scrl"))
    assert all(told) if needs else not any(told)
    given = np.concatenate([~np.isnan(rollout.advantages) for rollout in rollouts])
    own = reward.startswith(("restrain", "ddrl", "co_rewarding"))
    assert given.any() if own else not given.any()
    weights = np.concatenate([rollout.weights for rollout in rollouts])
    assert (weights != 1).any() == (reward == "entropy_shaped")
    if options:
        prompts = rollouts[0].prompts
        assert prompts[0] == prompts[1] != prompts[2] == prompts[3]


def test_nothing_is_learned_from_a_constant(tmp_path):
    trainer = Trainer(small(tmp_path / "run", reward="constant", steps=2))
    before = {k: v.clone() for k, v in trainer.policy.model.state_dict().items()}
    trainer.run()
    for name, tensor in trainer.policy.model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.fixture
def three_questions(tmp_path):
    """So few that a short run asks each of them several times."""
    asked = ("What is 7 plus 8?", "What is 30 minus 4?", "What is 3 times 4?")
    path = tmp_path / "questions.json"
    rows = [{"prompt": f"{text}\nPut the answer in \\boxed{{}}."} for text in asked]
    path.write_text(json.dumps(rows))
    return {"env": "TTRL-Questions-v0", "data": path, "steps": 6}


@pytest.mark.parametrize("reward", ["held(every=2)", "restrain(prompt_weight=first_vote)"])
def test_what_a_reward_remembers_is_resumed(tmp_path, reward, three_questions):
    options = {"reward": reward, **three_questions}
    Trainer(small(tmp_path / "whole", **options)).run()
    with pytest.raises(Interrupted):
        Trainer(small(tmp_path / "halted", **options), [StopAfter(3)]).run()
    resumed = Trainer(resume_config(tmp_path / "halted"), resume=True)
    resumed.run()
    assert find_consensus_reward(resumed.envs).estimator.state_dict()
    one, other = weights_of(tmp_path / "whole"), weights_of(tmp_path / "halted")
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def test_a_misspelled_reward_is_refused_before_anything_is_loaded(tmp_path):
    for reward, error in (
        ("majorty", UnknownNameError),
        ("majority(ties=first)", UnknownNameError),
    ):
        with pytest.raises(error, match="Did you mean"):
            Trainer(small(tmp_path / "run", reward=reward, model="no/such/model"))
    with pytest.raises(AgentError, match="--rephrase arithmetic"):
        Trainer(small(tmp_path / "run", reward="self_harmony"))
    with pytest.raises(AgentError, match="--n-votes must be even, not 5"):
        Trainer(small(tmp_path / "run", rephrase="arithmetic", n_votes=5))
    with pytest.raises(AgentError, match="leave out --n-train"):
        Trainer(small(tmp_path / "run", rephrase="arithmetic", n_train=2))


def test_the_run_directory_has_a_name_that_every_file_system_takes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trainer = Trainer(small(None, reward="majority(min_ratio=0.3, tie=share)"))
    assert trainer.folder.name.startswith("arithmetic-majority-min_ratio=0.3-tie=share-seed0-")


def test_the_agent_asks_for_statistics_by_the_options_alone(random_policy):
    for reward, asked in (("majority", False), ("held(inner=scrl)", True)):
        agent = PolicyGradientAgent(random_policy, small(None, reward=reward))
        assert agent.params.token_statistics == asked


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        ("vllm", "--sampler vllm does not tell.*transformers"),
        ("vllm-server", "--sampler vllm-server cannot train"),
    ],
)
def test_a_sampler_that_cannot_do_it_says_so_before_it_starts(random_policy, sampler, message):
    config = small(None, reward="held(inner=deepconf)", sampler=sampler)
    with pytest.raises(AgentError, match=message):
        make_sampler(random_policy, config)
