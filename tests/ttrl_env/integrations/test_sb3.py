"""Any vector environment as one of Stable-Baselines3: the same numbers, in its own dress."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from env_fakes import sums
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Sequence, Tuple
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers import TimeLimit
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecCheckNan, VecMonitor, VecNormalize
from token_fakes import END, codec, random_tokens

from ttrl_env import LabelMetrics, TokenActions, TokenVectorEnv
from ttrl_env.consensus import Ballot, Verdict
from ttrl_env.envs import make_vector_env
from ttrl_env.integrations.sb3 import SB3VecEnv

SAME_STEP = {"autoreset_mode": AutoresetMode.SAME_STEP}


def token_envs(num_envs: int = 4, group_size: int = 2, **options: Any) -> TokenVectorEnv:
    options = {"benchmark": sums(), "max_tokens": 4, "tokens": codec(), **options}
    return TokenVectorEnv(num_envs, group_size=group_size, **options)


def cart_poles(number: int = 3, max_steps: int = 12) -> VectorEnv[Any, Any, Any]:
    return gym.make_vec(
        "CartPole-v1",
        num_envs=number,
        vectorization_mode="sync",
        vector_kwargs=SAME_STEP,
        max_episode_steps=max_steps,
    )


class MemberView(gym.Env[Any, int]):
    """A single member as an environment of its own."""

    def __init__(self) -> None:
        self.envs = token_envs(1, 1)
        self.observation_space = self.envs.single_observation_space
        self.action_space = self.envs.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        observations, _ = self.envs.reset(seed=seed, options=options)
        return {key: rows[0] for key, rows in observations.items()}, {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observations, rewards, dones, _, infos = self.envs.step(np.array([action]))
        shown = (
            infos["final_obs"][0]
            if dones[0]
            else {key: rows[0] for key, rows in observations.items()}
        )
        return shown, float(rewards[0]), bool(dones[0]), False, {}


def test_a_member_passes_the_checker_of_stable_baselines3() -> None:
    check_env(MemberView(), warn=False)


def test_it_is_dummy_vec_env_where_both_can_be() -> None:
    """CartPole with time limits, so that episodes terminate and are truncated."""
    ours = SB3VecEnv(cart_poles())
    theirs = DummyVecEnv([lambda: TimeLimit(gym.make("CartPole-v1").unwrapped, 12)] * 3)
    ours.seed(5)
    theirs.seed(5)
    assert (ours.reset() == theirs.reset()).all()
    rng, truncated, ended = np.random.default_rng(0), 0, 0
    for _ in range(200):
        actions = rng.integers(2, size=3)
        mine, others = ours.step(actions), theirs.step(actions)
        for one, other in zip(mine[:3], others[:3], strict=True):
            assert one.dtype == other.dtype
            assert (one == other).all()
        for one_info, other_info in zip(mine[3], others[3], strict=True):
            assert one_info.keys() == other_info.keys()
            assert one_info["TimeLimit.truncated"] == other_info["TimeLimit.truncated"]
            truncated += one_info["TimeLimit.truncated"]
            if "terminal_observation" in one_info:
                ended += 1
                assert (
                    one_info["terminal_observation"] == other_info["terminal_observation"]
                ).all()
    assert 0 < truncated < ended


def test_terminal_observations_and_votes_are_those_of_the_environment() -> None:
    envs, vec_env = token_envs(wrap=LabelMetrics), SB3VecEnv(token_envs(wrap=LabelMetrics))
    expected, infos = envs.reset(seed=3)
    vec_env.seed(3)
    observed = vec_env.reset()
    assert all((observed[key] == expected[key]).all() for key in expected)
    assert [each["question_id"] for each in vec_env.reset_infos] == list(infos["question_id"])
    ended = 0
    for tokens in random_tokens(envs, seed=1, steps=30):
        expected, rewards, dones, _, infos = envs.step(tokens)
        observed, paid, over, rows = vec_env.step(tokens)
        assert all((observed[key] == expected[key]).all() for key in expected)
        assert paid.dtype == np.float32
        assert paid.tolist() == rewards.tolist()
        assert over.tolist() == dones.tolist()
        for i, row in enumerate(rows):
            assert row.pop("TimeLimit.truncated") is False
            if not dones[i]:
                assert row == {}
                continue
            ended += 1
            terminal = row.pop("terminal_observation")
            assert all((terminal[k] == infos["final_obs"][i][k]).all() for k in terminal)
            final = infos["final_info"]
            assert row == {k: final[k][i] for k in final if k[0] != "_" and final["_" + k][i]}
            assert row["majority_ratio"] >= 0
            assert vec_env.reset_infos[i] == {
                "question_id": infos["question_id"][i],
                "position": infos["position"][i],
            }
    assert ended > 10


def test_seed_and_options_hold_for_one_reset() -> None:
    vec_env = SB3VecEnv(token_envs())
    assert vec_env.seed(9) == [9] * 4
    vec_env.set_options({"position": 4})
    vec_env.reset()
    positions = [each["position"] for each in vec_env.reset_infos]
    assert positions == [4, 4, 5, 5]
    vec_env.reset()
    assert [each["position"] for each in vec_env.reset_infos] == [6, 6, 7, 7]
    assert len(set(vec_env.seed())) == 1
    vec_env.set_options([{"position": i} for i in range(4)])
    with pytest.raises(ValueError, match="one dict for all"):
        vec_env.reset()


def test_attributes_and_methods_of_an_environment_that_holds_all() -> None:
    envs = token_envs(render_mode="ansi")
    vec_env = SB3VecEnv(RecordEpisodeStatistics(envs))
    assert vec_env.render_mode == "ansi"
    assert vec_env.get_attr("max_tokens", [1, 2]) == [4, 4]
    assert vec_env.has_attr("group_size")
    assert not vec_env.has_attr("no_such_thing")
    vec_env.set_attr("fixed_length", True)
    assert envs.fixed_length
    with pytest.raises(ValueError, match="all 4 sub-environments together"):
        vec_env.set_attr("fixed_length", False, indices=0)
    vec_env.reset()
    assert len(vec_env.env_method("render")) == 4
    with pytest.raises(AttributeError, match="no_such_thing"):
        vec_env.env_method("no_such_thing")
    assert vec_env.env_is_wrapped(RecordEpisodeStatistics) == [True] * 4
    assert vec_env.env_is_wrapped(LabelMetrics, indices=[0]) == [False]
    vec_env.close()
    assert envs.closed


def test_attributes_and_methods_of_single_environments() -> None:
    vec_env = SB3VecEnv(cart_poles())
    assert vec_env.get_attr("gravity", [0]) == [9.8]
    assert vec_env.get_attr("num_envs") == [3] * 3  # of the whole
    vec_env.set_attr("gravity", 1.0, indices=[1])
    assert vec_env.get_attr("gravity") == [9.8, 1.0, 9.8]
    vec_env.reset()
    assert vec_env.env_method("get_wrapper_attr", "gravity") == [9.8, 1.0, 9.8]
    assert vec_env.env_is_wrapped(TimeLimit) == [True] * 3
    with pytest.raises(AttributeError, match="no_such_thing"):
        vec_env.env_method("no_such_thing")


def test_looking_for_what_is_missing_leaves_other_processes_alive() -> None:
    """AsyncVectorEnv ends its processes at the first AttributeError within them."""
    vec_env = SB3VecEnv(AsyncVectorEnv([lambda: gym.make("CartPole-v1")] * 2, **SAME_STEP))
    vec_env.seed(0)
    vec_env.reset()
    assert not vec_env.has_attr("no_such_thing")
    assert vec_env.get_attr("num_envs") == [2, 2]  # of the whole
    for call in (vec_env.env_method, lambda name: vec_env.set_attr(name, 0)):
        with pytest.raises(AttributeError, match="no_such_thing"):
            call("no_such_thing")
    vec_env.set_attr("gravity", 1.0, indices=[1])
    assert vec_env.get_attr("gravity") == [9.8, 1.0]
    assert vec_env.env_is_wrapped(TimeLimit) == [False] * 2  # out of sight
    assert vec_env.step(np.array([0, 1]))[0].shape == (2, 4)
    vec_env.close()


def test_episode_statistics_arrive_as_stable_baselines3_reads_them() -> None:
    vec_env = SB3VecEnv(RecordEpisodeStatistics(token_envs()))
    vec_env.seed(0)
    vec_env.reset()
    vec_env.step(np.array([1, END, 1, 1]))
    *_, dones, infos = vec_env.step(np.array([END, END, 1, 1]))
    assert dones.tolist() == [True, True, False, False]
    assert [float(infos[i]["episode"]["r"]) for i in (0, 1)] == [1.0, 0.0]
    assert int(infos[0]["episode"]["l"]) == 2


def test_pictures() -> None:
    vec_env = SB3VecEnv(token_envs(2, 2, render_mode="rgb_array"))
    vec_env.reset()
    images = vec_env.get_images()
    assert len(images) == 2
    tiled = vec_env.render()
    assert tiled.shape[0] >= images[0].shape[0]
    assert SB3VecEnv(token_envs(2, 2)).get_images() == [None, None]


def test_its_own_wrappers_go_around() -> None:
    vec_env = VecMonitor(
        VecNormalize(VecCheckNan(SB3VecEnv(token_envs()), True), norm_obs=False, gamma=1.0)
    )
    vec_env.seed(0)
    vec_env.reset()
    normalised = []
    episodes = []
    for tokens in random_tokens(vec_env, seed=2, steps=40):
        _, rewards, _, infos = vec_env.step(tokens)
        normalised += rewards[rewards != 0].tolist()
        episodes += [info["episode"] for info in infos if "episode" in info]
    assert max(normalised) > 1.0  # a reward of 1, over a standard deviation of less
    assert len(episodes) > 10
    assert sum(each["r"] > 0 for each in episodes) == len(normalised)
    with pytest.raises(ValueError, match="only supports"):
        VecNormalize(SB3VecEnv(token_envs()), norm_obs=True)  # ids are no measurements


@pytest.mark.parametrize(
    "own", [{"advantages": np.zeros(2)}, {"weights": np.array([1.0, 0.5])}], ids=str
)
def test_what_stable_baselines3_has_no_place_for_is_refused(own: dict[str, Any]) -> None:
    def estimator(_: Ballot) -> Verdict:
        return Verdict(np.array([1.0, 0.0]), None, **own)

    vec_env = SB3VecEnv(token_envs(2, 2, reward=estimator))
    vec_env.reset()
    with pytest.raises(ValueError, match="takes rewards alone"):
        vec_env.step(np.array([END, END]))


def test_a_reward_that_says_so_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"Guard\(.*takes rewards alone"):
        SB3VecEnv(token_envs(2, 2, reward="guard"))


@pytest.mark.parametrize("mode", ["NEXT_STEP", "DISABLED"])
def test_other_autoreset_modes_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match=f"SAME_STEP.*{mode}"):
        SB3VecEnv(token_envs(autoreset_mode=mode))


def test_text_is_refused_with_the_way_out() -> None:
    text = make_vector_env(2, benchmark=sums(), group_size=2)
    ids = TokenActions(
        text,
        None,  # type: ignore[arg-type]
        max_tokens=2,
        vocab_size=4,
        end_token_ids=[1],
        pad_token_id=0,
    )
    for envs in (text, ids):
        with pytest.raises(TypeError, match=r"UnicodeText.*ttrl_env\.TokenVectorEnv"):
            SB3VecEnv(envs)


@pytest.mark.parametrize(
    ("observation", "action"),
    [
        (Tuple([Discrete(2)]), Discrete(2)),
        (Dict({"inner": Dict({"x": Discrete(2)})}), Discrete(2)),
        (Dict({"inner": Sequence(Discrete(2))}), Discrete(2)),
        (Discrete(2, start=1), Discrete(2)),
        (Discrete(2), MultiDiscrete([2, 2], start=[0, 1])),
        (Discrete(2), Dict({"x": Discrete(2)})),
    ],
)
def test_spaces_that_fail_later_are_refused_now(observation: Any, action: Any) -> None:
    class Env(gym.Env[Any, Any]):
        observation_space = observation
        action_space = action

    with pytest.raises(TypeError, match="Stable-Baselines3"):
        SB3VecEnv(SyncVectorEnv([Env], **SAME_STEP))


def test_plain_numbers_are_taken() -> None:
    class Env(gym.Env[Any, Any]):
        observation_space = Dict({"x": Box(0, 1, (2,)), "y": Discrete(3)})
        action_space = MultiDiscrete([2, 2])

        def reset(self, **_: Any) -> Any:
            return self.observation_space.sample(), {}

        def step(self, _: Any) -> Any:
            return self.observation_space.sample(), 1.0, True, False, {}

    vec_env = SB3VecEnv(SyncVectorEnv([Env] * 2, **SAME_STEP))
    model = PPO("MultiInputPolicy", vec_env, n_steps=4, batch_size=8, seed=0)
    before = model.policy.parameters_to_vector()
    model.learn(8)
    assert model.num_timesteps == 8
    assert (model.policy.parameters_to_vector() != before).any()


def test_an_algorithm_learns_through_it() -> None:
    model = PPO("MlpPolicy", SB3VecEnv(cart_poles(2)), n_steps=16, batch_size=16, seed=0)
    before = model.policy.parameters_to_vector()
    model.learn(64)
    assert np.isfinite(model.policy.parameters_to_vector()).all()
    assert (model.policy.parameters_to_vector() != before).any()
