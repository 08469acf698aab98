"""The ids: each is registered, says what it asks, and comes close when it is misspelt."""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path

import gymnasium as gym
import pytest
from env_fakes import guesses, through_pickle
from gymnasium.envs.registration import EnvSpec

from ttrl_benchmarks import (
    BenchmarkCard,
    BenchmarkError,
    BenchmarkWarning,
    UnknownNameError,
    list_benchmarks,
    load_benchmark,
    register_benchmark,
    unregister_benchmark,
)
from ttrl_env import ENV_IDS, ConsensusReward, TTRLEnv, TTRLVectorEnv, register_envs
from ttrl_env.registration import benchmark_of, check_env_id

FILES = {
    "TTRL-AIME24-v0": 30,
    "TTRL-AMC-v0": 83,
    "TTRL-MATH500-v0": 500,
    "TTRL-MATH500-L1-v0": 43,
    "TTRL-MATH500-L2-v0": 90,
    "TTRL-MATH500-L3-v0": 105,
    "TTRL-MATH500-L4-v0": 128,
    "TTRL-MATH500-L5-v0": 134,
}


def test_every_benchmark_has_its_id_and_every_id_its_benchmark() -> None:
    by_id = {row.env_id: row.name for row in list_benchmarks()}
    assert {env_id: options["benchmark"] for env_id, options in ENV_IDS.items()} == by_id


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_every_spec_goes_round_through_json(env_id: str) -> None:
    spec = gym.spec(env_id)
    assert EnvSpec.from_json(spec.to_json()) == spec
    assert spec.max_episode_steps is None
    check_env_id(env_id)


@pytest.mark.parametrize(("env_id", "size"), FILES.items())
def test_files_at_hand_make_environments(env_id: str, size: int, data_dir: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gym.make(env_id, path=str(data_dir), group_size=2)
        envs = gym.make_vec(env_id, num_envs=4, path=str(data_dir), group_size=2)
    prompt, _ = env.reset(seed=0)
    assert len(env.unwrapped.benchmark) == size
    assert prompt.endswith("put your final answer within \\boxed{}.")
    assert envs.reset(seed=0)[0][0] == prompt
    assert len(set(envs.reset(seed=0)[0])) == 2


AIME_ROWS = [{"problem": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(3)]
GPQA_ROWS = [
    {
        "Question": f"Which is {n}?",
        "Correct Answer": str(n),
        **{f"Incorrect Answer {k}": str(n + 10 * k) for k in (1, 2, 3)},
    }
    for n in range(3)
]


@pytest.mark.parametrize(
    ("env_id", "rows", "completion"),
    [
        ("TTRL-AIME25-v0", AIME_ROWS, "\\boxed{1}"),
        ("TTRL-GPQA-v0", GPQA_ROWS, "The answer is \\boxed{C}."),
    ],
)
def test_benchmarks_without_a_file_at_hand_take_one_by_path(
    env_id: str, rows: list, completion: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    with pytest.warns(BenchmarkWarning):  # it says that this is another file than the published
        envs = gym.make_vec(env_id, num_envs=4, group_size=2, path=str(path))
    prompts, _ = envs.reset(seed=0)
    assert prompts[0].endswith("\\boxed{}.")
    _, rewards, _, _, infos = envs.step([completion] * 4)
    assert rewards.tolist() == [1.0] * 4
    assert infos["final_info"]["answer"][0] in ("1", "C")


def test_your_own_questions(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps([{"question": "Wie viel ist 1 + 1?"}]), encoding="utf-8")
    env = gym.make("TTRL-Questions-v0", path=str(path), group_size=2, instruction=" Gut.")
    assert env.reset(seed=0)[0] == "Wie viel ist 1 + 1? Gut."
    with pytest.raises(BenchmarkError, match="needs path="):
        gym.make("TTRL-Questions-v0")


HAS_REASONING_GYM = importlib.util.find_spec("reasoning_gym") is not None


@pytest.mark.skipif(not HAS_REASONING_GYM, reason="reasoning-gym is not installed")
def test_reasoning_gym_by_task() -> None:
    env = gym.make("TTRL-ReasoningGym-v0", task="chain_sum", size=5, group_size=1)
    assert "=" in env.reset(seed=0)[0]
    assert len(env.unwrapped.benchmark) == 5


def test_reasoning_gym_without_a_task_or_without_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BenchmarkError, match="needs task="):
        gym.make("TTRL-ReasoningGym-v0")
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(BenchmarkError, match=r"pip install 'ttrl-env\[reasoning-gym\]'"):
        gym.make("TTRL-ReasoningGym-v0", task="chain_sum")


def test_names_that_come_close_are_listed() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'TTRL-AIME24-v0'"):
        check_env_id("TTRL-AIM24-v0")


def test_registering_again_changes_nothing() -> None:
    before = {env_id: gym.registry[env_id] for env_id in ENV_IDS}
    register_envs()
    assert all(gym.registry[env_id] is spec for env_id, spec in before.items())


def test_a_benchmark_that_is_registered_later_has_an_environment_until_it_is_taken_back() -> None:
    card = BenchmarkCard("few", "A few", "Few-v0", "integer")
    register_benchmark(card, lambda size=5: load_benchmark("arithmetic", size=size))
    try:
        assert ENV_IDS["Few-v0"] == {"benchmark": "few"}
        envs = gym.make_vec("Few-v0", num_envs=4, group_size=2, size=7)
        assert len(envs.unwrapped.benchmark) == 7
        assert gym.make("Few-v0").unwrapped.benchmark == load_benchmark("arithmetic", size=5)
    finally:
        unregister_benchmark("few")
    assert "Few-v0" not in ENV_IDS
    with pytest.raises(gym.error.NameNotFound):
        gym.make("Few-v0")


def test_the_benchmark_of_an_id_is_that_of_its_environment() -> None:
    assert benchmark_of("TTRL-Arithmetic-v0") == gym.make("TTRL-Arithmetic-v0").unwrapped.benchmark
    assert len(benchmark_of("TTRL-Arithmetic-v0", size=10, seed=3)) == 10
    loaded = load_benchmark("arithmetic", size=5)
    entry_point = "ttrl_env.envs.question_env:TTRLEnv"
    gym.register("Mine-v0", entry_point, kwargs={"benchmark": loaded, "group_size": 4})
    gym.register("Small-v0", entry_point, kwargs={"benchmark": "arithmetic", "size": 8})
    try:
        assert benchmark_of("Mine-v0") is loaded
        with pytest.raises(TypeError, match="options size go with the name of a benchmark"):
            benchmark_of("Mine-v0", size=3)
        assert len(benchmark_of("Small-v0")) == 8
        assert len(benchmark_of("Small-v0", size=9)) == 9
    finally:
        gym.registry.pop("Mine-v0")
        gym.registry.pop("Small-v0")
    with pytest.raises(BenchmarkError, match="'CartPole-v1' asks no questions"):
        benchmark_of("CartPole-v1")
    with pytest.raises(UnknownNameError, match="Did you mean"):
        benchmark_of("TTRL-AIME42-v0")
    with pytest.raises(UnknownNameError, match="The environment itself takes 'slot'"):
        benchmark_of("TTRL-Arithmetic-v0", slots=3)


def test_make_vec_rewards_unless_told_not_to() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=4, group_size=2)
        bare = gym.make_vec("TTRL-Arithmetic-v0", num_envs=4, group_size=2, reward=None)
    assert isinstance(envs, ConsensusReward)
    assert isinstance(envs.unwrapped, TTRLVectorEnv)
    assert isinstance(bare, TTRLVectorEnv)
    assert repr(bare) == "TTRLVectorEnv(TTRL-Arithmetic-v0, num_envs=4)"


def test_make_vec_takes_a_spec_back() -> None:
    options = {"group_size": 2, "reward": "random", "autoreset_mode": "DISABLED", "size": 10}
    envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=4, **options)
    for spec in (envs.spec, EnvSpec.from_json(envs.spec.to_json())):
        again = gym.make_vec(spec)
        assert again.num_envs == 4
        assert again.unwrapped.group_size == 2
        assert repr(again.estimator) == repr(envs.estimator)
        assert again.metadata == envs.metadata
        assert again.reset(seed=3)[0] == envs.reset(seed=3)[0]


@pytest.mark.parametrize("reward", ["majority", "random", "oracle", None])
def test_a_pickle_of_what_make_vec_made_goes_on_alike(reward: str | None) -> None:
    envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=4, group_size=2, reward=reward)
    envs.reset(seed=1)
    envs.step(guesses(4, 0))
    twin = through_pickle(envs)
    one, other = envs.step(guesses(4, 1)), twin.step(guesses(4, 1))
    assert one[0] == other[0]
    assert one[1].tolist() == other[1].tolist()
    assert twin.spec == envs.spec


def test_gymnasiums_sync_vector() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        envs = gym.make_vec(
            "TTRL-Arithmetic-v0", num_envs=2, vectorization_mode="sync", group_size=2
        )
        observations, _ = envs.reset(seed=0)
        assert observations in envs.observation_space
        envs.step(["\\boxed{1}"] * 2)
        _, rewards, terminations, _, infos = envs.step(["\\boxed{1}", "\\boxed{2}"])
    assert terminations.all()
    assert rewards.tolist() == [1.0, 0.5]
    assert infos["consensus"].tolist() == ["1", "1"]
    assert infos["rewards"].tolist() == [[1, 1], [1, 0]]
    envs.close()


def test_gymnasiums_async_vector_refuses_shared_memory_loudly() -> None:
    with pytest.raises(ValueError, match="shared_memory"):
        gym.make_vec("TTRL-Arithmetic-v0", num_envs=2, vectorization_mode="async", group_size=1)


def test_gymnasiums_async_vector_without_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    rows = [{"question": f"Ist π ≤ {n}? 答えは?"} for n in range(3)]
    path.write_text(json.dumps(rows), encoding="utf-8")
    envs = gym.make_vec(
        "TTRL-Questions-v0",
        num_envs=2,
        vectorization_mode="async",
        vector_kwargs={"shared_memory": False},
        path=str(path),
        group_size=1,
    )
    try:
        single = gym.make("TTRL-Questions-v0", path=str(path))
        observations, _ = envs.reset(seed=[5, 5])
        assert observations == (single.reset(seed=5)[0],) * 2
        _, rewards, terminations, _, infos = envs.step(["\\boxed{π}", "\ud800"])
        assert rewards.tolist() == [1.0, 0.0]
        assert terminations.all()
        assert infos["answer"].tolist()[0] == "π"
    finally:
        envs.close()


def test_the_module_prefix_registers_too() -> None:
    assert isinstance(gym.make("ttrl_env:TTRL-Arithmetic-v0").unwrapped, TTRLEnv)
