"""Gymnasium's vector wrappers around ours: each works, or says clearly why it cannot."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium as gym
import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, sums
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.wrappers import vector as wrappers
from numpy.testing import assert_array_equal

from ttrl_env import ConsensusReward, LabelMetrics, TTRLVectorEnv, finished_info

MODES = ["NEXT_STEP", "SAME_STEP", "DISABLED"]
WITHOUT_SAME_STEP = ["NEXT_STEP", "DISABLED"]
TEXTS = [boxed(1), boxed(1), NO_ANSWER, boxed(2)]
REWARDS = [1.0, 1.0, 0.0, 1.0]


def make(mode: str, max_length: int = 200) -> VectorEnv:
    envs = TTRLVectorEnv(4, sums(), 2, autoreset_mode=mode, max_length=max_length)
    return ConsensusReward(envs)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("wrap", "expected"),
    [
        (lambda envs: wrappers.TransformReward(envs, lambda r: 3 * r - 1), [2, 2, -1, 2]),
        (lambda envs: wrappers.ClipReward(envs, 0.25, 0.75), [0.75, 0.75, 0.25, 0.75]),
        (
            lambda envs: wrappers.VectorizeTransformReward(
                envs, gym.wrappers.ClipReward, min_reward=0.25, max_reward=0.75
            ),
            [0.75, 0.75, 0.25, 0.75],
        ),
    ],
    ids=["TransformReward", "ClipReward", "VectorizeTransformReward"],
)
def test_rewards_are_transformed(mode: str, wrap: Callable, expected: list[float]) -> None:
    envs = wrap(make(mode))
    envs.reset(seed=0)
    assert envs.step(TEXTS)[1].tolist() == expected
    assert make_and_step(mode).tolist() == REWARDS


def make_and_step(mode: str) -> np.ndarray:
    envs = make(mode)
    envs.reset(seed=0)
    return envs.step(TEXTS)[1]


@pytest.mark.parametrize("mode", MODES)
def test_normalized_rewards_stay_finite_and_in_order(mode: str) -> None:
    envs = wrappers.NormalizeReward(make(mode))
    envs.reset(seed=0)
    for _ in range(8):
        _, rewards, terminations, _, _ = envs.step(TEXTS)
        assert np.isfinite(rewards).all()
        if terminations.all():
            assert rewards[0] == rewards[1] > rewards[2]
        if mode == "DISABLED":
            envs.reset()


@pytest.mark.parametrize("mode", MODES)
def test_clipping_in_place_changes_nothing_of_ours(mode: str) -> None:
    inner = make(mode)
    envs = wrappers.ClipReward(inner, 0.25, 0.75)
    envs.reset(seed=0)
    for _ in range(2):
        if mode == "DISABLED":
            envs.reset()
        envs.step(TEXTS)
    inner.reset(seed=0)
    assert inner.step(TEXTS)[1].tolist() == REWARDS


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda envs: wrappers.TransformAction(envs, lambda texts: [t + boxed(7) for t in texts]),
        lambda envs: wrappers.VectorizeTransformAction(
            envs,
            gym.wrappers.TransformAction,
            func=lambda text: text + boxed(7),
            action_space=envs.single_action_space,
        ),
    ],
    ids=["TransformAction", "VectorizeTransformAction"],
)
def test_actions_are_transformed(mode: str, wrap: Callable) -> None:
    envs = wrap(make(mode))
    envs.reset(seed=0)
    _, rewards, _, _, infos = envs.step(TEXTS)
    assert rewards.tolist() == [1.0] * 4
    assert finished_info(infos)["answer"].tolist() == ["7"] * 4


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda envs: wrappers.TransformObservation(
            envs, lambda prompts: tuple(each.upper() for each in prompts)
        ),
        lambda envs: wrappers.VectorizeTransformObservation(
            envs,
            gym.wrappers.TransformObservation,
            func=str.upper,
            observation_space=envs.single_observation_space,
        ),
    ],
    ids=["TransformObservation", "VectorizeTransformObservation"],
)
def test_observations_are_transformed(mode: str, wrap: Callable) -> None:
    if mode == "SAME_STEP":
        with pytest.raises(ValueError, match=r"NEXT_STEP or DISABLED, got .*SAME_STEP"):
            wrap(make(mode))
        return
    envs, plain = wrap(make(mode)), make(mode)
    expected = tuple(each.upper() for each in plain.reset(seed=0)[0])
    assert envs.reset(seed=0)[0] == expected
    observations, rewards, _, _, _ = envs.step(TEXTS)
    assert observations == expected
    assert rewards.tolist() == REWARDS


@pytest.mark.parametrize("mode", WITHOUT_SAME_STEP)
def test_observations_are_flattened_to_code_points(mode: str) -> None:
    envs, plain = wrappers.FlattenObservation(make(mode)), make(mode)
    observations, _ = envs.reset(seed=0)
    assert observations in envs.observation_space
    assert observations.shape == (4, 200)
    texts = ["".join(map(chr, row[row >= 0])) for row in observations]
    assert tuple(texts) == plain.reset(seed=0)[0]


@pytest.mark.parametrize("mode", MODES)
def test_infos_come_as_lists(mode: str) -> None:
    envs, plain = wrappers.DictInfoToList(make(mode)), make(mode)
    listed, infos = envs.reset(seed=0)[1], plain.reset(seed=0)[1]
    assert [each["question_id"] for each in listed] == infos["question_id"].tolist()
    listed = envs.step(TEXTS)[4]
    if mode == "SAME_STEP":
        assert all(isinstance(each["final_obs"], str) for each in listed)
        listed = [each["final_info"] for each in listed]
    assert [each["answer"] for each in listed] == ["1", "1", None, "2"]
    assert [each["majority_ratio"] for each in listed] == [1.0, 1.0, 0.5, 0.5]
    assert not any(key.startswith("_") for each in listed for key in each)


@pytest.mark.parametrize("mode", MODES)
def test_statistics_count_the_consensus_rewards(mode: str) -> None:
    envs = wrappers.RecordEpisodeStatistics(make(mode))
    envs.reset(seed=0)
    episodes = 0
    for _ in range(4):
        _, _, terminations, _, infos = envs.step(TEXTS)
        if not terminations.any():
            assert "episode" not in infos
            continue
        episodes += 1
        assert_array_equal(infos["episode"]["r"], REWARDS)
        assert_array_equal(infos["episode"]["l"], [1] * 4)
        assert infos["_episode"].all()
        if mode == "DISABLED":
            envs.reset(options={"reset_mask": terminations})
    assert episodes == (2 if mode == "NEXT_STEP" else 4)
    assert envs.episode_count == 4 * episodes


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("FilterObservation", (["a"],), ValueError, "`Dict` and `Tuple`"),
        ("ReshapeObservation", ((2,),), TypeError, "requires a Box"),
        ("DtypeObservation", (np.float32,), TypeError, "requires a Box"),
        ("GrayscaleObservation", (), TypeError, "requires a Box"),
        ("ResizeObservation", ((2, 2),), TypeError, "requires a Box"),
        (
            "RescaleObservation",
            (
                0.0,
                1.0,
            ),
            TypeError,
            "requires a Box",
        ),
        ("ClipAction", (), TypeError, "requires a Box"),
        (
            "RescaleAction",
            (
                0.0,
                1.0,
            ),
            TypeError,
            "requires a Box",
        ),
        ("RecordVideo", ("unused",), ValueError, "Render mode is None"),
        ("HumanRendering", (), ValueError, "render_mode to be one of"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_what_text_cannot_be_is_refused(
    mode: str, name: str, arguments: tuple, error: type[Exception], message: str
) -> None:
    if mode == "SAME_STEP" and name.endswith("Observation"):
        error, message = ValueError, "NEXT_STEP or DISABLED"
    with pytest.raises(error, match=message):
        getattr(wrappers, name)(make(mode), *arguments)


@pytest.mark.parametrize("mode", MODES)
def test_text_is_not_averaged(mode: str) -> None:
    def average() -> None:
        wrappers.NormalizeObservation(make(mode)).reset(seed=0)

    with pytest.raises((TypeError, ValueError)):
        average()


@pytest.mark.parametrize("mode", MODES)
def test_array_wrappers_refuse_text_rather_than_spoil_it(mode: str) -> None:
    pytest.importorskip("array_api_compat")
    envs = wrappers.ArrayConversion(make(mode), env_xp=np, target_xp=np)
    with pytest.raises(TypeError, match="prompts and completions are text, not generator"):
        envs.reset(seed=0)


@pytest.mark.parametrize("mode", MODES)
def test_torch_wrappers_refuse_text_rather_than_spoil_it(mode: str) -> None:
    pytest.importorskip("array_api_compat")
    pytest.importorskip("torch")
    envs = wrappers.NumpyToTorch(make(mode))
    with pytest.raises(TypeError, match=r"through ttrl_env\.wrappers\.TokenActions"):
        envs.reset(seed=0)


def test_the_metadata_of_the_mode_reaches_the_outside() -> None:
    for mode in MODES:
        assert make(mode).metadata["autoreset_mode"] is AutoresetMode[mode]


def test_label_metrics_see_through_other_wrappers() -> None:
    inside = wrappers.TransformReward(make("SAME_STEP"), lambda rewards: rewards)
    envs = LabelMetrics(wrappers.RecordEpisodeStatistics(inside))
    envs.reset(seed=0)
    assert "pass_at_k" in finished_info(envs.step(TEXTS)[4])
