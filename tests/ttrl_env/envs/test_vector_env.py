"""TTRLVectorEnv: whole groups, three autoreset modes, and the order of questions."""

from __future__ import annotations

from collections import Counter
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from env_fakes import boxed, guesses, question_ids, sums, through_pickle
from gymnasium.vector import AutoresetMode
from hypothesis import given
from hypothesis import strategies as st

from ttrl_benchmarks import BenchmarkError, UnknownNameError
from ttrl_env import Prompt, TTRLVectorEnv
from ttrl_env.envs import QuestionOrder

MODES = ["SAME_STEP", "NEXT_STEP", "DISABLED"]


def make(num_envs: int = 6, group_size: int = 3, size: int = 5, **kwargs: Any) -> TTRLVectorEnv:
    return TTRLVectorEnv(num_envs, sums(size), group_size, **kwargs)


def test_groups_show_one_question_and_follow_the_order() -> None:
    envs, order = make(), QuestionOrder(5, 7)
    observations, infos = envs.reset(seed=7)
    assert observations in envs.observation_space
    assert all(type(each) is Prompt for each in observations)
    for step in range(5):
        expected = [f"sum-{order[2 * step + group]}" for group in (0, 0, 0, 1, 1, 1)]
        assert question_ids(infos) == expected
        assert infos["position"].tolist() == [2 * step] * 3 + [2 * step + 1] * 3
        assert [each.split(" + ")[0] for each in observations] == [
            f"What is {each.removeprefix('sum-')}" for each in expected
        ]
        observations, rewards, terminations, truncations, infos = envs.step([boxed(1)] * 6)
        assert question_ids(infos["final_info"]) == expected
        assert rewards.dtype == np.float64
        assert rewards.tolist() == [0.0] * 6
        assert terminations.dtype == truncations.dtype == np.bool_
        assert terminations.all()
        assert not truncations.any()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32))
def test_no_question_is_skipped_whatever_the_sizes(groups: int, size: int, seed: int) -> None:
    """Unlike a loader that drops the last batch of every epoch."""
    envs = make(groups, 1, size)
    _, infos = envs.reset(seed=seed)
    shown = question_ids(infos)
    while len(shown) < 3 * size * groups:
        _, _, _, _, infos = envs.step([""] * groups)
        shown += question_ids(infos)
    for epoch in range(3 * groups):
        assert len(set(shown[epoch * size : (epoch + 1) * size])) == size
    assert set(Counter(shown[: 3 * size * groups]).values()) == {3 * groups}


def test_same_step_hands_over_the_next_question() -> None:
    envs = make(autoreset_mode="SAME_STEP")
    first, _ = envs.reset(seed=0)
    second, _, _, _, infos = envs.step([""] * 6)
    assert tuple(infos["final_obs"]) == first
    assert infos["final_obs"].dtype == object
    assert infos["_final_obs"].all()
    assert infos["_final_info"].all()
    assert infos["final_info"]["position"].tolist() == [0, 0, 0, 1, 1, 1]
    assert infos["position"].tolist() == [2, 2, 2, 3, 3, 3]
    assert second != first


def test_next_step_ignores_every_second_batch() -> None:
    envs = make(autoreset_mode="NEXT_STEP")
    first, _ = envs.reset(seed=0)
    same, _, terminations, _, infos = envs.step([""] * 6)
    assert same == first
    assert terminations.all()
    assert "final_obs" not in infos
    second, rewards, terminations, _, infos = envs.step(["ignored"] * 6)
    assert not terminations.any()
    assert not rewards.any()
    assert infos["position"].tolist() == [2, 2, 2, 3, 3, 3]
    assert envs.step([""] * 6)[2].all()
    assert second != first


def test_disabled_waits_for_the_caller() -> None:
    envs = make(autoreset_mode="DISABLED")
    first, _ = envs.reset(seed=0)
    same, _, terminations, _, _ = envs.step([""] * 6)
    assert same == first
    with pytest.raises(gym.error.ResetNeeded, match="groups 0, 1 are over"):
        envs.step([""] * 6)
    mask = np.array([False] * 3 + [True] * 3)
    options = {"reset_mask": mask}
    observations, infos = envs.reset(options=options)
    assert options == {"reset_mask": mask}  # the caller's own, and left as it was
    assert observations[:3] == first[:3]
    assert observations[3:] != first[3:]
    np.testing.assert_array_equal(infos["_question_id"], mask)
    with pytest.raises(gym.error.ResetNeeded, match="groups 0 are over"):
        envs.step([""] * 6)
    envs.reset(options={"reset_mask": ~mask})
    assert envs.step([""] * 6)[2].all()
    assert terminations.all()


@pytest.mark.parametrize("mode", MODES)
def test_modes_come_as_strings_of_any_case_or_members(mode: str) -> None:
    for given_mode in (mode, mode.lower(), AutoresetMode[mode]):
        envs = make(autoreset_mode=given_mode)
        assert envs.metadata["autoreset_mode"] is AutoresetMode[mode]
    assert "autoreset_mode" not in TTRLVectorEnv.metadata


@pytest.mark.parametrize("mode", MODES)
def test_a_list_of_seeds_gives_groups_their_own_orders(mode: str) -> None:
    envs = make(autoreset_mode=mode)
    _, infos = envs.reset(seed=[4, 4, 4, 9, 9, 9])
    expected = [f"sum-{QuestionOrder(5, 4)[0]}"] * 3 + [f"sum-{QuestionOrder(5, 9)[1]}"] * 3
    assert question_ids(infos) == expected
    _, infos = envs.reset(seed=[None] * 6)  # as good as none
    assert infos["position"].tolist() == [2, 2, 2, 3, 3, 3]


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ([1, 1, 2, 3, 3, 3], r"seed splits group 0.*\[1, 1, 2\]"),
        ([1, 1, 1], "3 seeds for 6 sub-environments"),
        ([1, 1, 1, None, None, None], "for every sub-environment, or none"),
        (-1, "-1"),
    ],
)
def test_seeds_that_split_a_group_are_refused(seed: Any, message: str) -> None:
    with pytest.raises((ValueError, gym.error.Error), match=message):
        make().reset(seed=seed)


@pytest.mark.parametrize(
    "mask",
    [
        [True] * 6,
        np.ones(5, dtype=bool),
        np.ones(6),
        np.zeros(6, dtype=bool),
        np.array([True, True, False, True, True, True]),
    ],
)
def test_masks_that_are_none_or_split_a_group_are_refused(mask: Any) -> None:
    envs = make(autoreset_mode="DISABLED")
    envs.reset(seed=0)
    if isinstance(mask, list):  # a plain list of booleans is as clear as an array
        envs.reset(options={"reset_mask": mask})
        return
    with pytest.raises(ValueError, match="reset_mask"):
        envs.reset(options={"reset_mask": mask})


@pytest.mark.parametrize(
    ("num_envs", "message"),
    [
        (10, r"10 is not a multiple of 4. Use num_envs=12"),
        (0, "Use num_envs=4"),
        (3, "Use num_envs=4"),
    ],
)
def test_partial_groups_are_refused_with_the_way_out(num_envs: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(num_envs, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"group_size": 0}, "group_size must be 1 or more, not 0"),
        ({"autoreset_mode": "SOMETIMES"}, "'SOMETIMES'; use one of NEXT_STEP, SAME_STEP, DISABLED"),
        ({"render_mode": "hologram"}, "unknown render_mode 'hologram'"),
    ],
)
def test_other_arguments_out_of_range_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**arguments)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("rewards", "reward"), ("autoreset", "autoreset_mode"), ("groupsize", "group_size")],
)
def test_an_argument_that_is_misspelt_is_not_taken_for_the_benchmarks_alone(
    wrong: str, right: str
) -> None:
    with pytest.raises(UnknownNameError, match=f"{wrong}.*environment itself takes '{right}'"):
        gym.make_vec("TTRL-Arithmetic-v0", num_envs=16, **{wrong: 4})
    with pytest.raises(
        UnknownNameError, match=r"'sise'.*Known: level, levels, seed, size, split\.$"
    ):
        gym.make_vec("TTRL-Arithmetic-v0", num_envs=16, sise=4)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ("one long string", "not one string; pass a list"),
        (("" for _ in range(6)), "not one generator; pass a list"),
        ({"", "x"}, "not one set"),
        (None, "not one NoneType"),
        (7, "not one int"),
        ([""] * 5, "takes 6 completions.*not 5"),
        ([""] * 5 + [None], "completion 5 must be a string"),
        ([""] * 5 + ["x" * 101], "completion 5.*not 101 characters"),
    ],
)
def test_what_is_no_batch_of_completions_is_refused(actions: Any, message: str) -> None:
    envs = make(max_length=100)
    envs.reset(seed=0)
    before = envs.questions
    with pytest.raises(gym.error.InvalidAction, match=message):
        envs.step(actions)
    assert envs.questions == before


@pytest.mark.parametrize("kind", [list, tuple, lambda x: np.array(x, dtype=object)])
def test_batches_come_as_any_sequence(kind: Any) -> None:
    envs = make()
    envs.reset(seed=0)
    assert envs.step(kind(guesses(6, 0)))[2].all()


def test_before_the_first_reset_everything_says_so() -> None:
    with pytest.raises(gym.error.ResetNeeded):
        make().step([""] * 6)
    with pytest.raises(RuntimeError, match="call reset"):
        _ = make().questions


def test_a_first_reset_with_a_mask_starts_every_group() -> None:
    envs = make(autoreset_mode="DISABLED")
    mask = np.array([True] * 3 + [False] * 3)
    _, infos = envs.reset(seed=0, options={"reset_mask": mask})
    assert infos["_position"].all()
    assert envs.step([""] * 6)[2].all()


def test_a_position_is_gone_to() -> None:
    envs = make()
    envs.reset(seed=3)
    for _ in range(4):
        observations, _, _, _, _ = envs.step([""] * 6)
    fresh = make()
    jumped, infos = fresh.reset(seed=3, options={"position": 8})
    assert jumped == observations
    assert infos["position"].tolist() == [8, 8, 8, 9, 9, 9]
    with pytest.raises(ValueError, match="position must be 0 or more, not -1"):
        fresh.reset(options={"position": -1})
    for strange in (1.5, "3"):
        with pytest.raises(TypeError, match=f"position must be a whole number, not {strange!r}"):
            fresh.reset(options={"position": strange})


@pytest.mark.parametrize("mode", MODES)
def test_a_pickle_goes_on_alike(mode: str) -> None:
    envs = make(autoreset_mode=mode)
    envs.reset(seed=1)
    envs.step([""] * 6)
    twin = through_pickle(envs)
    assert twin.reset()[0] == envs.reset()[0]
    assert twin.step([""] * 6)[0] == envs.step([""] * 6)[0]


@pytest.mark.parametrize("mode", MODES)
def test_what_is_returned_is_the_callers_to_change(mode: str) -> None:
    envs, untouched = make(autoreset_mode=mode), make(autoreset_mode=mode)
    envs.reset(seed=1)
    untouched.reset(seed=1)
    for _ in range(3):
        spoilt, clean = envs.step([""] * 6), untouched.step([""] * 6)
        assert spoilt[0] == clean[0]
        assert question_ids(spoilt[4]) == question_ids(clean[4])
        for array in (*spoilt[1:4], *(v for k, v in spoilt[4].items() if k != "final_info")):
            array[:] = 0
        if mode == "DISABLED":
            envs.reset()
            untouched.reset()


def test_no_two_arrays_of_a_step_are_one() -> None:
    envs = make()
    envs.reset(seed=1)
    _, _, terminations, truncations, infos = envs.step([""] * 6)
    terminations[:] = False
    infos["_position"][:] = False
    assert infos["_final_obs"].all()
    assert infos["_final_info"].all()
    assert infos["_question_id"].all()
    assert infos["final_info"]["_position"].all()
    assert not truncations.any()


def test_closing_twice_is_once() -> None:
    envs = make()
    envs.close()
    envs.close()
    assert envs.closed


def test_arithmetic_takes_one_level_or_several_in_both_kinds_of_environment():
    envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=4, group_size=2, levels=[1, 2], size=10)
    assert {question.level for question in envs.unwrapped.benchmark.questions} == {1, 2}
    env = gym.make("TTRL-Arithmetic-v0", group_size=2, level=3)
    assert {question.level for question in env.unwrapped.benchmark.questions} == {3}
    with pytest.raises(BenchmarkError, match="levels 1 to 5, not 6"):
        gym.make("TTRL-Arithmetic-v0", level=6)
