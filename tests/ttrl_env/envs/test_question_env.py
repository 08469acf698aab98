"""TTRLEnv: one question, asked once for each vote."""

from __future__ import annotations

import warnings

import gymnasium as gym
import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, guesses, sums, through_pickle
from gymnasium.utils.env_checker import check_env
from gymnasium.utils.env_match import check_environments_match
from hypothesis import given
from hypothesis import strategies as st

from ttrl_benchmarks import UnknownNameError
from ttrl_env import Prompt, TTRLEnv
from ttrl_env.consensus import Majority, Verdict, hold_vote
from ttrl_env.envs import QuestionOrder


def rollout(env: gym.Env[str, str], completions: list[str]) -> list[tuple]:
    return [env.step(each) for each in completions]


def test_an_episode_is_one_group() -> None:
    env = TTRLEnv(sums(), group_size=4)
    prompt, info = env.reset(seed=0)
    question = env.question
    assert prompt == question.text + " Answer in \\boxed{}."
    assert type(prompt) is Prompt
    assert info == {"question_id": question.id, "position": 0, "answer": None}
    steps = rollout(env, [boxed(3), NO_ANSWER, boxed("03"), boxed(4)])
    assert [step[0] for step in steps] == [prompt] * 4
    assert [step[1] for step in steps] == [0, 0, 0, 0.5]
    assert [step[2] for step in steps] == [False, False, False, True]
    assert not any(step[3] for step in steps)
    assert [step[4]["answer"] for step in steps] == ["3", None, "03", "4"]
    assert all("rewards" not in step[4] for step in steps[:3])
    last = steps[3][4]
    assert last["rewards"].tolist() == [1, 0, 1, 0]
    assert last["rewards"].dtype == np.float64
    assert (last["consensus"], last["majority_ratio"], last["abstained"]) == ("3", 0.5, False)
    with pytest.raises(gym.error.ResetNeeded, match="call reset"):
        env.step(boxed(3))


@given(st.integers(0, 2**32), st.integers(1, 12))
def test_the_reward_is_the_mean_of_the_groups_rewards(seed: int, group_size: int) -> None:
    env = TTRLEnv(sums(), group_size=group_size)
    env.reset(seed=seed)
    completions = guesses(group_size, seed)
    _, reward, done, _, info = rollout(env, completions)[-1]
    verdict = Majority()(hold_vote(completions, env.question, env.benchmark))
    assert done
    assert reward == verdict.rewards.mean() == info["rewards"].mean()


def test_without_any_answer_it_abstains_and_never_says_nan() -> None:
    env = TTRLEnv(sums(), group_size=2)
    env.reset(seed=0)
    _, reward, _, _, info = rollout(env, [NO_ANSWER, ""])[-1]
    assert reward == 0.0
    assert info["consensus"] is None
    assert info["majority_ratio"] == 0.0
    assert info["abstained"] is True


def test_without_a_reward_it_never_pays() -> None:
    env = TTRLEnv(sums(), group_size=1, reward=None)
    env.reset(seed=0)
    _, reward, done, _, info = env.step(boxed(1))
    assert (reward, done) == (0.0, True)
    assert "rewards" not in info


def test_an_estimators_own_array_stays_its_own() -> None:
    verdict = Verdict(np.array([1.0, 0.0]), None)
    env = TTRLEnv(sums(), group_size=2, reward=lambda _: verdict)
    env.reset(seed=0)
    rollout(env, [boxed(1), boxed(2)])[-1][4]["rewards"][:] = -7
    assert verdict.rewards.tolist() == [1.0, 0.0]


def test_questions_follow_the_order_of_the_seed() -> None:
    env, order = TTRLEnv(sums(), group_size=1), QuestionOrder(5, 3)
    ids = [env.reset(seed=3)[1]["question_id"]]
    ids += [env.reset()[1]["question_id"] for _ in range(11)]
    assert ids == [f"sum-{order[position]}" for position in range(12)]
    assert env.reset(options={"position": 7})[1]["question_id"] == ids[7]
    assert env.reset()[1]["question_id"] == ids[8]
    assert env.reset(seed=3)[1]["question_id"] == ids[0]


def test_slots_share_one_order() -> None:
    envs = [TTRLEnv(sums(), group_size=1, slot=slot, num_slots=3) for slot in range(3)]
    positions = [[env.reset(seed=1)[1]["position"] for env in envs]]
    positions += [[env.reset()[1]["position"] for env in envs] for _ in range(2)]
    assert positions == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_an_unseeded_reset_draws_a_fresh_order() -> None:
    firsts = {TTRLEnv(sums(100), group_size=1).reset()[1]["question_id"] for _ in range(12)}
    assert len(firsts) > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"group_size": 0}, "group_size must be 1 or more, not 0"),
        ({"slot": 2, "num_slots": 2}, "slot must be from 0 to num_slots - 1 = 1, not 2"),
        ({"slot": -1}, "not -1"),
        ({"render_mode": "human-ish"}, "human-ish"),
    ],
)
def test_arguments_out_of_range_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TTRLEnv(sums(), **arguments)


def test_options_of_a_loaded_benchmark_are_refused() -> None:
    with pytest.raises(TypeError, match="options size go with the name"):
        TTRLEnv(sums(), size=7)
    with pytest.raises(UnknownNameError, match="Did you mean 'size'"):
        TTRLEnv("arithmetic", sise=7)
    for wrong, right in {"groupsize": "group_size", "max_lenght": "max_length"}.items():
        with pytest.raises(UnknownNameError, match=f"{wrong}.*environment itself takes '{right}'"):
            TTRLEnv("arithmetic", **{wrong: 7})  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="Did you mean 'majority'"):
        TTRLEnv(sums(), reward="majorty")


@pytest.mark.parametrize("action", [None, 7, ["a"], "x" * 101])
def test_what_is_no_completion_is_refused(action: object) -> None:
    env = TTRLEnv(sums(), group_size=2, max_length=100)
    env.reset(seed=0)
    with pytest.raises(gym.error.InvalidAction, match="a string of at most 100 characters"):
        env.step(action)  # type: ignore[arg-type]
    env.step("x" * 100)


def test_a_prompt_that_is_too_long_is_named() -> None:
    env = TTRLEnv(sums(), max_length=20)
    with pytest.raises(ValueError, match=r"prompt of 34 characters.*max_length = 20"):
        env.reset(seed=0)


def test_before_the_first_reset_everything_says_so() -> None:
    env = TTRLEnv(sums())
    with pytest.raises(gym.error.ResetNeeded, match="call reset before the first step"):
        env.step("x")
    with pytest.raises(RuntimeError, match="call reset"):
        _ = env.question


@pytest.mark.parametrize("text", ["", "\ud800 \\boxed{1}", "π ≤ \\boxed{π}", "\x00" * 50])
def test_hostile_text_is_only_text(text: str) -> None:
    env = TTRLEnv(sums(), group_size=2)
    env.reset(seed=0)
    _, reward, done, _, _ = rollout(env, [text, text])[-1]
    assert done
    assert reward in (0.0, 1.0)


@pytest.mark.parametrize("group_size", [1, 3])
def test_gymnasiums_checker_has_nothing_to_say(group_size: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make("TTRL-Arithmetic-v0", group_size=group_size).unwrapped)


def test_make_applies_the_passive_checker_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gym.make("TTRL-Arithmetic-v0", group_size=2)
        assert "PassiveEnvChecker" in repr(env)
        env.reset(seed=1)
        rollout(env, [boxed("π"), NO_ANSWER])
        env.close()
        env.close()


def test_equal_seeds_make_equal_environments() -> None:
    one, other = (gym.make("TTRL-Arithmetic-v0", group_size=2) for _ in range(2))
    check_environments_match(one, other, num_steps=30, seed=5)


def test_the_spec_goes_round_through_json() -> None:
    env = gym.make("TTRL-Arithmetic-v0", group_size=3, reward="random", size=10)
    spec = gym.envs.registration.EnvSpec.from_json(env.spec.to_json())
    again = gym.make(spec)
    assert again.unwrapped.group_size == 3
    assert again.reset(seed=4)[0] == env.reset(seed=4)[0]
    assert len(again.unwrapped.benchmark) == 10


def test_a_pickle_in_mid_episode_goes_on_alike() -> None:
    env = gym.make("TTRL-Arithmetic-v0", group_size=3)
    env.reset(seed=2)
    env.step(boxed(1))
    twin = through_pickle(env)
    for completion in (boxed(1), boxed(2)):
        one, other = env.step(completion), twin.step(completion)
        assert one[:4] == other[:4]
    np.testing.assert_array_equal(one[4]["rewards"], other[4]["rewards"])
    assert twin.reset()[0] == env.reset()[0]


def test_what_is_returned_is_the_callers_to_change() -> None:
    env = TTRLEnv(sums(), group_size=2)
    first, second = [], []
    for infos in (first, second):
        infos.append(env.reset(seed=0)[1])
        for completion in (boxed(1), boxed(1)):
            infos.append(env.step(completion)[4])
            if "rewards" in infos[-1]:
                infos[-1]["rewards"][:] = -7
            infos[-1]["question_id"] = "spoilt"
    assert first[0] == second[0]
