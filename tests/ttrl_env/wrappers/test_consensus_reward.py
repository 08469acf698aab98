"""ConsensusReward: votes become rewards, in every autoreset mode and on Gymnasium's own vectors."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, guesses, sums
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from hypothesis import given
from hypothesis import strategies as st

from ttrl_benchmarks import UnknownNameError
from ttrl_env import ConsensusReward, TTRLEnv, TTRLVectorEnv, finished_info
from ttrl_env.answers import answer_key
from ttrl_env.consensus import Ballot, Verdict
from ttrl_env.wrappers import find_consensus_reward

MODES = ["SAME_STEP", "NEXT_STEP", "DISABLED"]
KEYS = ("answer", "answer_key", "vote", "consensus", "majority_ratio", "abstained", "finished")


def native(groups: int, group_size: int, mode: str = "SAME_STEP") -> TTRLVectorEnv:
    return TTRLVectorEnv(groups * group_size, sums(), group_size, autoreset_mode=mode)


def gymnasiums_own(groups: int, group_size: int, mode: str) -> VectorEnv:
    def maker(group: int) -> Any:
        return lambda: TTRLEnv(sums(), group_size=1, reward=None, slot=group, num_slots=groups)

    makers = [maker(group) for group in range(groups) for _ in range(group_size)]
    return SyncVectorEnv(makers, autoreset_mode=AutoresetMode[mode])


def test_the_loop_of_the_readme() -> None:
    envs = ConsensusReward(native(2, 3))
    envs.reset(seed=0)
    texts = [boxed(3), boxed("03"), boxed(4), NO_ANSWER, NO_ANSWER, ""]
    _, rewards, terminations, _, infos = envs.step(texts)
    final = infos["final_info"]
    assert rewards.tolist() == [1, 1, 0, 0, 0, 0]
    assert rewards.dtype == np.float64
    assert terminations.all()
    assert final["answer"].tolist() == ["3", "03", "4", None, None, None]
    assert (
        final["answer_key"].tolist() == [answer_key(each, "integer") for each in "334"] + [None] * 3
    )
    assert final["vote"].tolist() == [0, 0, 1, -1, -1, -1]
    assert final["consensus"].tolist() == ["3"] * 3 + [None] * 3
    np.testing.assert_allclose(final["majority_ratio"], [2 / 3] * 3 + [0] * 3)
    assert final["abstained"].tolist() == [False] * 3 + [True] * 3
    assert final["finished"].all()
    assert all(final["_" + key].all() for key in KEYS)


@pytest.mark.parametrize("mode", MODES)
@given(seed=st.integers(0, 2**31), groups=st.integers(1, 3), group_size=st.integers(1, 4))
def test_it_gives_the_same_numbers_on_gymnasiums_own_vectors(
    mode: str, seed: int, groups: int, group_size: int
) -> None:
    num_envs = groups * group_size
    ours = ConsensusReward(native(groups, group_size, mode), "random")
    theirs = ConsensusReward(gymnasiums_own(groups, group_size, mode), "random", group_size)
    # Gymnasium makes seeds of its own from one; the groups here share one order.
    assert ours.reset(seed=seed)[0] == theirs.reset(seed=[seed] * num_envs)[0]
    for step in range(4):
        texts = guesses(num_envs, seed + step)
        one, other = ours.step(texts), theirs.step(texts)
        assert one[0] == other[0]
        for array, their_array in zip(one[1:4], other[1:4], strict=True):
            np.testing.assert_array_equal(array, their_array)
            assert array.dtype == their_array.dtype
        final, their_final = finished_info(one[4]), finished_info(other[4])
        for key in (*KEYS, "question_id", "position"):
            np.testing.assert_array_equal(final[key], their_final[key], err_msg=key)
            np.testing.assert_array_equal(final["_" + key], their_final["_" + key], err_msg=key)
        if mode == "DISABLED":
            for envs in (ours, theirs):
                envs.reset(options={"reset_mask": one[2]})


@pytest.mark.parametrize("reward", ["majority", "random", "oracle"])
@given(seed=st.integers(0, 2**31), group_size=st.integers(1, 6))
def test_one_group_earns_what_the_single_environment_pays(
    reward: str, seed: int, group_size: int
) -> None:
    single = TTRLEnv(sums(), group_size=group_size, reward=reward)
    envs = ConsensusReward(native(1, group_size), reward)
    prompt, _ = single.reset(seed=seed)
    prompts, _ = envs.reset(seed=seed)
    for step in range(3):
        assert prompts == (prompt,) * group_size
        texts = guesses(group_size, seed + step)
        prompts, rewards, _, _, infos = envs.step(texts)
        for text in texts:
            _, mean_reward, _, _, info = single.step(text)
        np.testing.assert_array_equal(info["rewards"], rewards)
        assert mean_reward == rewards.mean()
        final = infos["final_info"]
        assert info["consensus"] == final["consensus"][0]
        assert info["majority_ratio"] == final["majority_ratio"][0]
        assert info["abstained"] == final["abstained"][0]
        prompt, _ = single.reset()


@pytest.mark.parametrize("mode", MODES)
def test_labels_change_nothing_bit_for_bit(mode: str) -> None:
    def run(labelled: bool, reward: str) -> list[bytes]:
        envs = ConsensusReward(
            TTRLVectorEnv(12, sums(labelled=labelled), 4, autoreset_mode=mode), reward
        )
        envs.reset(seed=1)
        seen = []
        for step in range(6):
            _, rewards, _, _, infos = envs.step(guesses(12, step))
            final = finished_info(infos)
            seen += [rewards.tobytes(), repr([final[key].tolist() for key in KEYS]).encode()]
            if mode == "DISABLED":
                envs.reset()
        return seen

    for reward in ("majority", "random"):
        assert run(True, reward) == run(False, reward)
    assert run(True, "oracle") != run(False, "oracle")


def test_next_step_pays_nothing_for_the_batch_that_is_ignored() -> None:
    envs = ConsensusReward(native(1, 2, "NEXT_STEP"))
    envs.reset(seed=0)
    assert envs.step([boxed(1)] * 2)[1].tolist() == [1, 1]
    _, rewards, terminations, _, infos = envs.step([boxed(1)] * 2)
    assert rewards.tolist() == [0, 0]
    assert not terminations.any()
    assert not any(infos["_" + key].any() for key in KEYS)


def test_an_estimator_is_told_which_visit_it_is() -> None:
    seen = []

    def watch(ballot: Ballot) -> Verdict:
        seen.append((ballot.question_id, ballot.position, ballot.size))
        return Verdict(np.zeros(ballot.size), None)

    envs = ConsensusReward(native(2, 3), watch)
    _, infos = envs.reset(seed=4)
    expected = []
    for _ in range(4):
        expected += [(infos["question_id"][i], infos["position"][i], 3) for i in (0, 3)]
        *_, infos = envs.step(guesses(6, 0))
    assert seen == expected
    assert [position for _, position, _ in seen] == list(range(8))


@pytest.mark.parametrize("own", [True, False])
def test_a_group_that_a_mask_leaves_alone_keeps_its_question(own: bool) -> None:
    envs = ConsensusReward(
        native(2, 2, "DISABLED") if own else gymnasiums_own(2, 2, "DISABLED"), group_size=2
    )
    _, infos = envs.reset(seed=[0] * 4)
    asked = infos["question_id"].tolist()
    _, infos = envs.reset(options={"reset_mask": np.array([False, False, True, True])})
    asked[2:] = infos["question_id"][2:]
    _, rewards, _, _, infos = envs.step([boxed(1), boxed(1), boxed(2), boxed(2)])
    assert rewards.tolist() == [1] * 4
    assert infos["question_id"].tolist() == asked


def test_gymnasiums_processes_give_the_same_numbers() -> None:
    makers = [partial(TTRLEnv, sums(), group_size=1, reward=None) for _ in range(4)]
    theirs = ConsensusReward(AsyncVectorEnv(makers, shared_memory=False), group_size=4)
    ours = ConsensusReward(native(1, 4, "NEXT_STEP"))
    try:
        assert theirs.reset(seed=[3] * 4)[0] == ours.reset(seed=3)[0]
        for step in range(4):
            one, other = ours.step(guesses(4, step)), theirs.step(guesses(4, step))
            assert one[0] == other[0]
            assert one[1].tolist() == other[1].tolist()
    finally:
        theirs.close()


def test_the_callers_options_stay_whole() -> None:
    envs = ConsensusReward(gymnasiums_own(1, 2, "DISABLED"), group_size=2)
    envs.reset(seed=[0, 0])
    envs.step(["", ""])
    options = {"reset_mask": np.ones(2, dtype=bool)}
    envs.reset(options=options)
    assert list(options) == ["reset_mask"]


def test_a_group_that_was_asked_different_questions_is_refused() -> None:
    envs = ConsensusReward(gymnasiums_own(1, 2, "SAME_STEP"), group_size=2)
    _, infos = envs.reset(seed=[0, 1])
    assert len(set(infos["question_id"])) == 2
    with pytest.raises(ValueError, match=r"group 0 was asked different questions.*the same seed"):
        envs.step(["", ""])


def test_a_group_that_ends_in_part_is_refused() -> None:
    makers = [lambda n=n: TTRLEnv(sums(), group_size=n, reward=None) for n in (1, 2)]
    envs = ConsensusReward(SyncVectorEnv(makers), group_size=2)
    envs.reset(seed=[0, 0])
    with pytest.raises(ValueError, match="1 of the 2 completions of group 0 ended"):
        envs.step(["", ""])


def test_sizes_that_make_no_whole_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="6 is not a multiple of 4"):
        ConsensusReward(native(2, 3), group_size=4)
    with pytest.raises(ValueError, match="group_size must be 1 or more, not 0"):
        ConsensusReward(native(2, 3), group_size=0)


def test_a_stranger_is_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match=r"has no 'benchmark'.*TTRL-Arithmetic-v0"):
        ConsensusReward(gym.make_vec("CartPole-v1", num_envs=4, vectorization_mode="sync"))
    with pytest.raises(UnknownNameError, match="Did you mean 'majority'"):
        ConsensusReward(native(1, 2), "majorty")
    with pytest.raises(ValueError, match="has no ConsensusReward inside"):
        find_consensus_reward(native(1, 2))


@pytest.mark.parametrize(
    ("rewards", "message"),
    [
        (np.zeros(3), r"shape \(3,\)"),
        (np.array([0.0, np.nan]), "nan"),
        (np.array([0.0, np.inf]), "inf"),
    ],
)
def test_an_estimator_that_breaks_its_word_is_named(rewards: Any, message: str) -> None:
    envs = ConsensusReward(native(1, 2), lambda _: Verdict(rewards, None))
    envs.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        envs.step(["", ""])


@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        ("advantages", [0.0], r"2 finite advantages.*shape \(1,\)"),
        ("advantages", [0.0, np.inf], "2 finite advantages"),
        ("weights", [1.0, np.nan], "2 finite weights of 0 or more"),
        ("weights", [1.0, -0.5], "2 finite weights of 0 or more"),
        ("rewards", ["a", "b"], "2 finite rewards"),
    ],
)
def test_advantages_and_weights_are_checked_as_rewards_are(
    field: str, values: list[Any], message: str
) -> None:
    verdict = replace(Verdict(np.zeros(2), None), **{field: np.array(values)})
    envs = ConsensusReward(native(1, 2), lambda _: verdict)
    envs.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        envs.step(["", ""])
    single = TTRLEnv(sums(), 2, lambda _: verdict)
    single.reset(seed=0)
    single.step("")
    with pytest.raises(ValueError, match=message):
        single.step("")


def test_where_a_reward_gives_no_advantage_the_mask_says_so() -> None:
    verdicts = iter(
        [
            Verdict(np.ones(2), None),
            Verdict(np.ones(2), None, advantages=np.array([2.0, -2]), weights=np.array([0.5, 0])),
        ]
    )
    envs = ConsensusReward(native(2, 2), lambda _: next(verdicts))
    envs.reset(seed=0)
    final = envs.step([""] * 4)[4]["final_info"]
    assert final["advantage"].tolist() == [0, 0, 2, -2]
    assert final["_advantage"].tolist() == [False, False, True, True]
    assert final["advantage_weight"].tolist() == [1, 1, 0.5, 0]
    assert final["_advantage_weight"].all()


def test_a_step_before_the_first_reset_says_so() -> None:
    with pytest.raises(gym.error.ResetNeeded):
        ConsensusReward(native(1, 2)).step(["", ""])
