"""The checker of vector environments: what passes, and every fault that does not."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import pytest
from env_fakes import guesses, sums
from faulty_env import Countdown
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers import RecordEpisodeStatistics
from gymnasium.wrappers.vector import RecordEpisodeStatistics as VectorStatistics

from ttrl_env import ConsensusReward, LabelMetrics, TTRLEnv, TTRLVectorEnv
from ttrl_env.testing import VectorEnvError, check_vector_env

MODES = list(AutoresetMode)
NEXT_STEP, SAME_STEP, DISABLED = (
    AutoresetMode.NEXT_STEP,
    AutoresetMode.SAME_STEP,
    AutoresetMode.DISABLED,
)


@pytest.mark.parametrize("mode", MODES)
def test_gymnasiums_cartpole_passes(mode: AutoresetMode) -> None:
    check_vector_env(
        gym.make_vec(
            "CartPole-v1",
            num_envs=3,
            vectorization_mode="sync",
            vector_kwargs={"autoreset_mode": mode},
        )
    )


@pytest.mark.parametrize("kind", ["async", "vector_entry_point"])
def test_gymnasiums_other_vectors_pass(kind: str) -> None:
    check_vector_env(gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode=kind))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reward", [None, "majority", "random"])
def test_ours_pass(mode: AutoresetMode, reward: str | None) -> None:
    envs = gym.make_vec(
        "TTRL-Arithmetic-v0",
        num_envs=6,
        group_size=3,
        reward=reward,
        autoreset_mode=mode.name,
    )
    check_vector_env(envs, sample_actions=lambda _: tuple(guesses(6, 0)))


@pytest.mark.parametrize("mode", MODES)
def test_ours_pass_with_labels_and_on_gymnasiums_vectors(mode: AutoresetMode) -> None:
    check_vector_env(
        LabelMetrics(ConsensusReward(TTRLVectorEnv(4, sums(), 2, autoreset_mode=mode)))
    )
    makers = [lambda: TTRLEnv(sums(), group_size=1, reward=None)] * 2
    check_vector_env(SyncVectorEnv(makers, autoreset_mode=mode))


@pytest.mark.parametrize("mode", MODES)
def test_how_long_an_episode_took_may_differ(mode: AutoresetMode) -> None:
    """Gymnasium's statistics hold the seconds, around the whole or around each."""
    if mode != DISABLED:  # where the wrapper's mask changes after it was returned, and is caught
        check_vector_env(VectorStatistics(Countdown(mode)))
    makers = [lambda: RecordEpisodeStatistics(gym.make("CartPole-v1"))] * 2
    check_vector_env(SyncVectorEnv(makers, autoreset_mode=mode))


@pytest.mark.parametrize("mode", MODES)
def test_a_small_one_without_faults_passes(mode: AutoresetMode) -> None:
    check_vector_env(Countdown(mode))
    check_vector_env(Countdown(mode, num_envs=1))


FAULTS: list[tuple[str, AutoresetMode, str]] = [
    ("mode is a string", SAME_STEP, "must be a member of gymnasium.vector.AutoresetMode"),
    ("render modes are a tuple", SAME_STEP, r"must be a list.*\('rgb_array',\)"),
    ("spaces do not fit", SAME_STEP, r"must be batch_space\(single_observation_space, 3\)"),
    ("reset returns observations alone", SAME_STEP, "must return observations and infos"),
    ("observations outside of the space", NEXT_STEP, "outside of observation_space"),
    ("the seed is ignored", NEXT_STEP, "two runs with seed=0 .* differ"),
    ("the global generator is drawn from", SAME_STEP, "global generator"),
    ("a NaN", SAME_STEP, "rewards must be finite"),
    ("integer rewards", NEXT_STEP, "floating values, not int64"),
    ("rewards in a column", NEXT_STEP, r"shape \(3,\), not \(3, 1\)"),
    ("ends are numbers", NEXT_STEP, "terminations must hold bool values, not int64"),
    ("observations are shared", NEXT_STEP, "share memory"),
    ("actions are changed", SAME_STEP, "step changes the actions"),
    ("an info without a mask", DISABLED, "'left' has no mask '_left'"),
    ("an info that is a list", SAME_STEP, "'left' must be an array with 3 rows.*not list"),
    ("an info of one number", SAME_STEP, "not float"),
    ("the last observation is lost", SAME_STEP, "final_obs must be there .* is missing"),
    ("the last mask names everybody", SAME_STEP, "final_obs must be there"),
    ("the reset step pays", NEXT_STEP, "rewards with 0 and ends nothing"),
    ("the mask is ignored", DISABLED, "DISABLED: "),
    ("a step after the end goes on", DISABLED, "must raise, not go on"),
]


@pytest.mark.parametrize(("fault", "mode", "message"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_every_fault_is_caught(fault: str, mode: AutoresetMode, message: str) -> None:
    with pytest.raises(VectorEnvError, match=message):
        check_vector_env(Countdown(mode, fault))


def test_an_environment_that_cannot_be_closed_says_so_itself() -> None:
    with pytest.raises(OSError, match="closed already"):
        check_vector_env(Countdown(SAME_STEP, "it cannot be closed"))


def test_what_never_ends_cannot_be_checked() -> None:
    envs = gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync")
    with pytest.raises(VectorEnvError, match="no episode ended within 3 steps"):
        check_vector_env(envs, max_steps=3)


@pytest.mark.parametrize("stranger", [None, 7, "CartPole-v1"])
def test_what_is_no_vector_environment_is_named(stranger: Any) -> None:
    with pytest.raises(VectorEnvError, match=r"is not a gymnasium\.vector\.VectorEnv"):
        check_vector_env(stranger)


def test_the_callers_actions_are_the_ones_taken() -> None:
    asked = []

    def sample(envs: VectorEnv) -> Any:
        asked.append(envs.action_space.sample())
        return asked[-1]

    check_vector_env(Countdown(SAME_STEP), sample_actions=sample)
    assert asked
