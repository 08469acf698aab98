"""Two wordings of one question, in every environment alike."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from env_fakes import ASK_FOR, measured, sums
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrl_benchmarks import BenchmarkError, UnknownNameError, load_benchmark
from ttrl_env import ConsensusReward, TTRLEnv, TTRLVectorEnv, finished_info
from ttrl_env.envs.rephrase import resolve_rephrase
from ttrl_env.testing import check_vector_env

MODES = ["SAME_STEP", "NEXT_STEP", "DISABLED"]


def loud(text: str) -> str:
    return text.upper()


def test_the_second_half_of_a_group_reads_other_words() -> None:
    envs = TTRLVectorEnv(8, sums(), 4, rephrase=loud)
    prompts, infos = envs.reset(seed=0)
    for first in (0, 4):
        plain, other = prompts[first], prompts[first + 2]
        assert prompts[first : first + 4] == (plain, plain, other, other)
        question = plain.removesuffix(ASK_FOR)
        assert other == question.upper() + ASK_FOR  # the instruction is not rephrased
    assert infos["variant"].tolist() == [0, 0, 1, 1] * 2
    *_, infos = envs.step([""] * 8)
    assert infos["final_info"]["variant"].tolist() == [0, 0, 1, 1] * 2
    assert "variant" not in TTRLVectorEnv(8, sums(), 4).reset(seed=0)[1]


def test_the_single_environment_asks_both_ways() -> None:
    env = TTRLEnv(sums(), group_size=4, reward="co_rewarding", rephrase=loud)
    prompt, info = env.reset(seed=0)
    shown, variants = [prompt], [info["variant"]]
    for _ in range(4):
        prompt, *_, info = env.step("")
        shown.append(prompt)
        variants.append(info["variant"])
    assert variants == [0, 0, 1, 1, 1]
    assert shown[0] == shown[1] != shown[2] == shown[3] == shown[4]


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=15)
@given(seed=st.integers(0, 2**31), groups=st.integers(1, 3), half=st.integers(1, 3))
def test_gymnasiums_own_vectors_give_the_same_numbers(
    mode: str, seed: int, groups: int, half: int
) -> None:
    size = 2 * half

    def maker(group: int, variant: int) -> Any:
        return partial(
            TTRLEnv,
            sums(),
            group_size=1,
            reward=None,
            slot=group,
            num_slots=groups,
            rephrase=loud,
            variant=variant,
        )

    makers = [maker(group, member // half) for group in range(groups) for member in range(size)]
    theirs = ConsensusReward(
        SyncVectorEnv(makers, autoreset_mode=AutoresetMode[mode]), "self_harmony", size
    )
    native = TTRLVectorEnv(groups * size, sums(), size, autoreset_mode=mode, rephrase=loud)
    ours = ConsensusReward(native, "self_harmony")
    assert ours.reset(seed=seed)[0] == theirs.reset(seed=[seed] * groups * size)[0]
    for step in range(3):
        values = np.random.default_rng(seed + step).integers(-1, 3, groups * size)
        texts = measured(values.tolist())
        one, other = ours.step(texts), theirs.step(texts)
        assert one[0] == other[0]
        np.testing.assert_array_equal(one[1], other[1])
        final, their_final = finished_info(one[4]), finished_info(other[4])
        for key in ("advantage", "_advantage", "consensus", "abstained", "variant", "_variant"):
            np.testing.assert_array_equal(final[key], their_final[key], err_msg=key)
        if mode == "DISABLED":
            for envs in (ours, theirs):
                envs.reset(options={"reset_mask": one[2]})


def test_one_group_earns_what_the_single_environment_pays() -> None:
    single = TTRLEnv(sums(), group_size=4, reward="co_rewarding", rephrase=loud)
    envs = ConsensusReward(TTRLVectorEnv(4, sums(), 4, rephrase=loud), "co_rewarding")
    single.reset(seed=5)
    envs.reset(seed=5)
    texts = measured([1, 1, 2, 1])
    _, rewards, *_, infos = envs.step(texts)
    for text in texts:
        *_, info = single.step(text)
    np.testing.assert_array_equal(info["rewards"], rewards)
    np.testing.assert_array_equal(info["advantages"], infos["final_info"]["advantage"])


@pytest.mark.parametrize("mode", MODES)
def test_the_contract_of_vector_environments_holds(mode: str) -> None:
    check_vector_env(
        ConsensusReward(
            TTRLVectorEnv(8, sums(), 4, autoreset_mode=mode, rephrase=loud), "co_rewarding"
        )
    )


def test_groups_that_cannot_be_halved_are_refused() -> None:
    for make in (partial(TTRLVectorEnv, 6), TTRLEnv):
        with pytest.raises(ValueError, match="group_size must be even, not 3"):
            make(sums(), group_size=3, rephrase=loud)
    for options in ({"variant": 1}, {"variant": 1, "group_size": 2, "rephrase": loud}):
        with pytest.raises(ValueError, match="variant is 0 or 1, and 1 needs rephrase"):
            TTRLEnv(sums(), **{"group_size": 1, **options})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not 2 with"):
        TTRLEnv(sums(), group_size=1, rephrase=loud, variant=2)


def test_paraphrases_come_by_id_by_text_and_from_a_file(tmp_path: Path) -> None:
    benchmark = sums(2)
    first, second = benchmark.questions
    by_hand = {first.id: "One more than 0?", second.text: "One more than 1?"}
    path = tmp_path / "paraphrases.json"
    path.write_text(json.dumps(by_hand))
    for rephrase in (by_hand, path, str(path)):
        reword = resolve_rephrase(rephrase, benchmark)
        assert reword is not None
        assert reword(first).text == "One more than 0?"
        assert reword(second).text == "One more than 1?"
        assert reword(second).id == second.id


@pytest.mark.parametrize("content", ["[1]", "{", '{"a": 1}', None])
def test_a_file_that_holds_none_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "paraphrases.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BenchmarkError, match=r"paraphrases\.json"):
        resolve_rephrase(path, sums())


def test_missing_paraphrases_and_strange_things_are_refused() -> None:
    with pytest.raises(BenchmarkError, match=r"4 of 5 questions have no paraphrase.*'What is 1"):
        resolve_rephrase({"sum-0": "Zero and one?"}, sums())
    with pytest.raises(UnknownNameError, match="Did you mean 'arithmetic'"):
        resolve_rephrase("arithmetics", sums())
    with pytest.raises(TypeError, match="not 7"):
        resolve_rephrase(7, sums())  # type: ignore[arg-type]


def test_the_registered_one_fits_the_arithmetic_environment() -> None:
    envs = gym.make_vec(
        "TTRL-Arithmetic-v0",
        num_envs=20,
        group_size=2,
        reward="self_harmony",
        rephrase="arithmetic",
    )
    prompts, _ = envs.reset(seed=0)
    for plain, other in zip(prompts[::2], prompts[1::2], strict=True):
        assert plain != other
    assert resolve_rephrase("arithmetic", load_benchmark("arithmetic")) is not None
