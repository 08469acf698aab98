"""Stable-Baselines3's own algorithms and tools, unmodified, on a language model."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import CheckpointCallback, EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ttrl_agents.policy.loading import load_policy
from ttrl_agents.sb3 import (
    CausalLMActorCriticPolicy,
    CompletionRolloutBuffer,
    VoteMetrics,
    make_token_envs,
)
from ttrl_benchmarks import Benchmark, SealedLabels
from ttrl_benchmarks.arithmetic import load
from ttrl_env import LabelMetrics
from ttrl_env.consensus import Ballot, Verdict
from ttrl_env.integrations.sb3 import SB3VecEnv

STEPS = 8
EXAMPLE = Path(__file__).parents[3] / "examples" / "sb3_ppo.py"


def odd_lengths(ballot: Ballot) -> Verdict:
    """A reward that a model without answers can earn."""
    return Verdict((ballot.lengths % 2).astype(np.float64), None)


@pytest.fixture
def make_envs(make_envs: Any) -> Any:
    return partial(make_envs, reward=odd_lengths)


@pytest.fixture
def make_model(make_envs: Any, model_path: str) -> Any:
    def make(algorithm: type[Any] = PPO, *, vec_env: Any = None, **options: Any) -> Any:
        if vec_env is None:
            vec_env = make_envs(fixed_length=True, wrap=LabelMetrics)
        if algorithm is PPO:
            options = {"batch_size": 24, "n_epochs": 2, **options}
        return algorithm(
            CausalLMActorCriticPolicy,
            vec_env,
            n_steps=STEPS,
            gamma=1.0,
            seed=0,
            device="cpu",
            **{
                "rollout_buffer_class": CompletionRolloutBuffer,
                "policy_kwargs": {"model": model_path},
                **options,
            },
        )

    return make


def weights(model: Any) -> Any:
    return model.policy.parameters_to_vector()


@pytest.mark.parametrize("algorithm", [PPO, A2C])
@pytest.mark.parametrize("buffer", [CompletionRolloutBuffer, None])
@pytest.mark.parametrize("fixed_length", [True, False])
def test_it_learns_and_repeats(
    make_model: Any, make_envs: Any, algorithm: type[Any], buffer: Any, fixed_length: bool
) -> None:
    def run() -> Any:
        vec_env = make_envs(fixed_length=fixed_length)
        model = make_model(algorithm, vec_env=vec_env, rollout_buffer_class=buffer)
        before = weights(model)
        model.learn(3 * STEPS * vec_env.num_envs)
        assert np.isfinite(weights(model)).all()
        assert (weights(model) != before).mean() > 0.5
        return weights(model)

    assert run().tobytes() == run().tobytes()


def test_labels_do_not_move_a_weight() -> None:
    benchmark = load(size=8)
    unlabelled = Benchmark(
        benchmark.name,
        benchmark.questions,
        SealedLabels({}),
        benchmark.answer_format,
        benchmark.instruction,
    )
    found = []
    for each in (benchmark, unlabelled):
        envs = make_token_envs(
            "TTRL-Arithmetic-v0",
            load_policy("tiny", device="cpu"),
            8,
            4,
            benchmark=each,
            max_tokens=48,
            fixed_length=True,
            wrap=LabelMetrics,
        )
        model = A2C(CausalLMActorCriticPolicy, SB3VecEnv(envs), n_steps=48, seed=0, device="cpu")
        before = weights(model)
        model.learn(48 * 8, VoteMetrics())
        assert (weights(model) != before).any()
        found.append(weights(model).tobytes())
    assert found[0] == found[1]


def test_the_first_ratio_is_one(make_model: Any) -> None:
    """What the cache sampled and what learning reads are the same distribution."""
    model = make_model(n_epochs=1, batch_size=STEPS * 6, learning_rate=0.0)
    model.learn(STEPS * 6)
    assert abs(model.logger.name_to_value["train/approx_kl"]) < 1e-6
    assert model.logger.name_to_value["train/clip_fraction"] == 0.0


def test_its_tools_work(make_model: Any, make_envs: Any, tmp_path: Path) -> None:
    """Monitors, normalised rewards, callbacks and TensorBoard."""
    vec_env = VecNormalize(
        VecMonitor(make_envs(fixed_length=True, wrap=LabelMetrics)), norm_obs=False, gamma=1.0
    )
    model = make_model(vec_env=vec_env, tensorboard_log=str(tmp_path / "logs"))
    saved = CheckpointCallback(save_freq=STEPS, save_path=str(tmp_path / "saved"))
    evaluated = EvalCallback(
        VecNormalize(VecMonitor(make_envs()), norm_obs=False, norm_reward=False, training=False),
        n_eval_episodes=6,
        eval_freq=STEPS,
        verbose=0,
    )
    model.learn(2 * STEPS * 6, [VoteMetrics(), saved, evaluated], log_interval=1)
    assert len(list((tmp_path / "saved").glob("*.zip"))) == 2
    assert 0 <= evaluated.last_mean_reward <= 1
    (folder,) = (tmp_path / "logs").iterdir()
    events = EventAccumulator(str(folder))
    events.Reload()
    logged = set(events.Tags()["scalars"])
    assert {
        "votes/majority_ratio",
        "votes/ground_truth_ratio",
        "votes/truncated",
        "votes/absent_answers",
        "rollout/ep_rew_mean",
        "eval/mean_reward",
        "train/loss",
    } <= logged
    assert 0 <= events.Scalars("votes/majority_ratio")[0].value <= 1
    # Two rollouts, each of one episode in each of six environments.
    assert len(model.ep_info_buffer) == 12
    assert {each["l"] for each in model.ep_info_buffer} == {STEPS}


def test_evaluate_policy_pays_what_the_votes_say(make_model: Any, make_envs: Any) -> None:
    model = make_model()
    rewards, lengths = evaluate_policy(
        model, VecMonitor(make_envs()), n_eval_episodes=12, return_episode_rewards=True
    )
    assert len(rewards) == 12
    assert max(lengths) <= STEPS
    assert set(rewards) <= {0.0, 1.0}


def test_saved_and_loaded_it_goes_on(make_model: Any, make_envs: Any, tmp_path: Path) -> None:
    model = make_model()
    model.learn(STEPS * 6)
    model.save(tmp_path / "model.zip")
    assert (tmp_path / "model.zip").stat().st_size < 4_000_000
    vec_env = make_envs(fixed_length=True)
    again = PPO.load(tmp_path / "model.zip", env=vec_env, device="cpu")
    assert weights(again).tobytes() == weights(model).tobytes()
    obs = vec_env.reset()
    first, second = (each.predict(obs, deterministic=True)[0] for each in (model, again))
    assert (first == second).all()
    before = weights(again)
    again.learn(STEPS * 6)
    assert (weights(again) != before).any()
    again.policy.language_model.save(tmp_path / "checkpoint")
    written = load_file(tmp_path / "checkpoint" / "model.safetensors")
    head = again.policy.language_model.model.get_output_embeddings().weight
    assert torch.equal(written["model.embed_tokens.weight"], head)


def test_a_callback_can_stop_it(make_model: Any) -> None:
    class Stop(VoteMetrics):
        def _on_step(self) -> bool:
            return self.n_calls < 3

    model = make_model()
    model.learn(10 * STEPS * 6, Stop())
    assert model.num_timesteps == 3 * 6


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
def test_the_example_improves_the_tiny_reasoner(algorithm: str) -> None:
    """A short run of it; the long one adds tens of points."""
    command = [sys.executable, str(EXAMPLE), "--algorithm", algorithm, "--updates", "40"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "update 40/40  majority ratio 0." in done.stdout
    (points,) = re.findall(r"^mean@16, trained.* ([+-][\d.]+) points$", done.stdout, re.MULTILINE)
    assert float(points) > 4.0, done.stdout
