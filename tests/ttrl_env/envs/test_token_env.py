"""Completions written one token a step: whose turn it is, and what it earns."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from env_fakes import question_ids, sums
from token_fakes import END, PAD, VOCABULARY, codec, decode, encode, random_tokens

from ttrl_benchmarks import SealedLabels
from ttrl_env import LabelMetrics, TokenCodec, TokenVectorEnv
from ttrl_env.consensus import Ballot, Verdict
from ttrl_env.envs import make_vector_env
from ttrl_env.testing import check_vector_env


def token_envs(num_envs: int = 6, group_size: int = 3, **options: Any) -> TokenVectorEnv:
    options = {"benchmark": sums(), "max_tokens": 4, "tokens": codec(), **options}
    return TokenVectorEnv(num_envs, group_size=group_size, **options)


@pytest.mark.parametrize("mode", ["SAME_STEP", "NEXT_STEP", "DISABLED"])
@pytest.mark.parametrize("fixed_length", [False, True])
@pytest.mark.parametrize("render_mode", [None, "ansi"])
def test_it_keeps_the_contract(mode: str, fixed_length: bool, render_mode: str | None) -> None:
    envs = token_envs(autoreset_mode=mode, fixed_length=fixed_length, render_mode=render_mode)
    check_vector_env(envs)


def test_it_keeps_the_contract_with_labels_measured() -> None:
    check_vector_env(token_envs(wrap=LabelMetrics, centre_rewards=True))


@pytest.mark.parametrize("fixed_length", [False, True])
def test_votes_and_rewards_are_those_of_the_text_environment(fixed_length: bool) -> None:
    envs = token_envs(9, 3, wrap=LabelMetrics, fixed_length=fixed_length)
    text = LabelMetrics(make_vector_env(9, benchmark=sums(), group_size=3))
    envs.reset(seed=7)
    ends = 0
    for tokens in random_tokens(envs, seed=0, steps=60):
        _, rewards, dones, _, infos = envs.step(tokens)
        assert not rewards[~dones].any()
        for first in range(0, 9, 3):
            if not dones[first]:
                assert not dones[first : first + 3].any()
                continue
            members, final = slice(first, first + 3), infos["final_info"]
            ends += 1
            texts = [written(infos["final_obs"][i]) for i in range(first, first + 3)]
            text.reset(seed=7, options={"position": int(final["position"][first])})
            _, expected, _, _, text_infos = text.step(texts * 3)
            assert rewards[members].tolist() == expected[:3].tolist()
            for key, values in text_infos["final_info"].items():
                if key.strip("_") != "finished":
                    assert final[key][members].tolist() == values[:3].tolist(), key
    assert ends > 20


def written(observation: dict[str, Any]) -> str:
    """The text of a terminal observation."""
    start, end = int(observation["prompt_length"][0]), int(observation["attention_mask"].sum())
    ids = observation["input_ids"][start:end].tolist()
    return decode(ids[:-1] if ids[-1] == END else ids)


def test_a_group_is_paid_when_its_last_member_ends() -> None:
    envs = token_envs(3, 3)
    envs.reset(seed=0)
    for tokens in ([1, 1, END], [END, 2, 5], [9, END, 5]):
        observations, rewards, dones, truncated, infos = envs.step(np.array(tokens))
        assert not truncated.any()
        if tokens != [9, END, 5]:
            assert not rewards.any()
            assert not dones.any()
            assert "final_info" not in infos
    assert dones.all()
    assert infos["final_info"]["answer"].tolist() == ["1", "12", None]
    assert rewards.tolist() == [1.0, 0.0, 0.0]  # a tie: the first answer wins
    assert observations["finished"].tolist() == [[0], [0], [0]]


def test_what_a_finished_member_is_given_changes_nothing() -> None:
    def run(padding: int) -> list[Any]:
        envs = token_envs(2, 2)
        envs.reset(seed=0)
        steps = [[1, END], [END, 0], [1, 2], [END, END]]
        given = np.array([[1, END], [1, padding], [END, padding], [END, END]])
        assert len(steps) == len(given)
        return [envs.step(tokens) for tokens in given]

    for one, other in zip(run(PAD), run(3), strict=True):
        assert all((one[0][key] == other[0][key]).all() for key in one[0])
        assert one[1].tolist() == other[1].tolist()
    # Even an id that there is not: nobody looks at it.
    assert run(10**6)[2][1].tolist() == run(PAD)[2][1].tolist()


def test_an_observation_is_the_prompt_and_what_was_written() -> None:
    envs = token_envs(2, 2)
    first, _ = envs.reset(seed=0)
    start = int(first["prompt_length"][0, 0])
    assert (first["attention_mask"].sum(axis=1) == start).all()
    envs.step(np.array([4, END]))
    second, *_ = envs.step(np.array([2, 7]))
    assert second["input_ids"][0, start : start + 3].tolist() == [4, 2, PAD]
    assert second["input_ids"][1, start : start + 3].tolist() == [END, PAD, PAD]
    assert second["attention_mask"].sum(axis=1).tolist() == [start + 2, start + 1]
    assert second["finished"].ravel().tolist() == [0, 1]


def test_a_completion_that_is_cut_off_is_voted_on_as_unfinished() -> None:
    envs = token_envs(2, 2, max_tokens=2)
    envs.reset(seed=0)
    envs.step(np.array([1, 1]))
    _, rewards, terminated, truncated, infos = envs.step(np.array([1, END]))
    assert terminated.all()
    assert not truncated.any()
    assert infos["final_info"]["finished"].tolist() == [False, True]
    assert rewards.tolist() == [1.0, 0.0]


def test_the_end_is_not_decoded() -> None:
    decoded: list[list[int]] = []
    tokens = TokenCodec(encode, lambda ids: str(decoded.append(ids)), VOCABULARY, (END,), PAD)
    envs = token_envs(3, 3, tokens=tokens, max_tokens=2)
    envs.reset(seed=0)
    decoded.clear()  # the prompts, which may open a thought
    envs.step(np.array([END, 1, 1]))
    envs.step(np.array([PAD, END, 2]))
    assert decoded[:3] == [[], [1], [1, 2]]


def test_an_episode_of_fixed_length_waits() -> None:
    envs = token_envs(4, 2, max_tokens=4, fixed_length=True)
    envs.reset(seed=0)
    for step in range(1, 9):
        _, rewards, dones, *_ = envs.step(np.full(4, 1 if step % 4 == 1 else END))
        assert dones.tolist() == [step % 4 == 0] * 4
        assert rewards.tolist() == [float(step % 4 == 0)] * 4


def test_an_estimator_sees_lengths_in_tokens() -> None:
    seen: list[Ballot] = []

    def estimator(ballot: Ballot) -> Verdict:
        seen.append(ballot)
        return Verdict(np.arange(ballot.size) * 0.5, None)

    envs = token_envs(2, 2, reward=estimator)
    envs.reset(seed=0)
    envs.step(np.array([1, END]))
    _, rewards, *_ = envs.step(np.array([END, PAD]))
    assert seen[0].lengths.tolist() == [2, 1]
    assert seen[0].finished.tolist() == [True, True]
    assert rewards.tolist() == [0.0, 0.5]


@pytest.mark.parametrize(
    ("rewards", "abstains", "paid"),
    [
        ([1.0, 0.0, 0.5], False, [0.5, -0.5, 0.0]),
        ([0.1, 0.1, 0.1], False, [0.0, 0.0, 0.0]),  # whose mean, rounded, is another number
        ([1.0, 0.0, 0.5], True, [0.0, 0.0, 0.0]),
    ],
)
def test_centred_rewards(rewards: list[float], abstains: bool, paid: list[float]) -> None:
    envs = token_envs(
        3,
        3,
        centre_rewards=True,
        reward=lambda ballot: Verdict(np.array(rewards), None, abstains),
    )
    envs.reset(seed=0)
    assert envs.step(np.full(3, END))[1].tolist() == paid


def test_without_a_reward_nothing_is_paid_and_nothing_voted() -> None:
    envs = token_envs(2, 2, reward=None, centre_rewards=True)
    envs.reset(seed=0)
    _, rewards, dones, _, infos = envs.step(np.array([END, END]))
    assert dones.all()
    assert rewards.tolist() == [0.0, 0.0]
    assert "vote" not in infos["final_info"]


def test_labels_change_nothing_but_what_is_measured() -> None:
    def run(*, labelled: bool) -> list[Any]:
        envs = token_envs(6, 3, benchmark=sums(labelled=labelled), wrap=LabelMetrics)
        envs.reset(seed=1)
        return [envs.step(tokens) for tokens in random_tokens(envs, seed=3, steps=40)]

    for one, other in zip(run(labelled=True), run(labelled=False), strict=True):
        assert one[1].tobytes() == other[1].tobytes()
        assert one[2].tolist() == other[2].tolist()
        assert all((one[0][key] == other[0][key]).all() for key in one[0])


def test_groups_go_through_the_questions_at_their_own_pace() -> None:
    envs = token_envs(2, 1)
    _, infos = envs.reset(seed=0)
    order = question_ids(make_vector_env(8, benchmark=sums(), group_size=1).reset(seed=0)[1])
    assert question_ids(infos) == order[:2]
    *_, infos = envs.step(np.array([END, 1]))
    assert question_ids(infos) == [order[2], None]
    *_, infos = envs.step(np.array([END, 1]))
    assert question_ids(infos) == [order[4], None]
    *_, infos = envs.step(np.array([1, END]))
    assert question_ids(infos) == [None, order[3]]
    assert infos["position"].tolist() == [0, 3]
    _, infos = envs.reset(seed=0, options={"position": 5})
    assert infos["position"].tolist() == [5, 6]
    assert question_ids(infos) == order[5:7]


def test_a_part_of_the_groups_is_reset() -> None:
    envs = token_envs(4, 2, autoreset_mode="DISABLED")
    envs.reset(seed=0)
    observations, _, dones, _, infos = envs.step(np.array([END, END, 1, 1]))
    assert dones.tolist() == [True, True, False, False]
    assert observations["finished"].ravel().tolist() == [1, 1, 0, 0]
    assert infos["consensus"].tolist() == [None] * 4
    with pytest.raises(gym.error.ResetNeeded, match="groups 0 are over"):
        envs.step(np.full(4, END))
    _, infos = envs.reset(options={"reset_mask": dones})
    assert infos["_question_id"].tolist() == dones.tolist()
    assert infos["position"].tolist() == [2, 2, 0, 0]
    *_, dones, _, infos = envs.step(np.array([1, 1, END, END]))
    assert dones.tolist() == [False, False, True, True]
    assert infos["answer"].tolist() == [None, None, "1", "1"]
    with pytest.raises(ValueError, match="splits group 0"):
        envs.reset(options={"reset_mask": np.array([True, False, True, True])})


def test_the_vote_is_rendered_in_the_step_that_held_it() -> None:
    envs = token_envs(4, 2, render_mode="ansi")
    with pytest.raises(RuntimeError, match="reset"):
        envs.render()
    envs.reset(seed=0)
    asked = envs.render()
    assert len(asked) == 4
    envs.step(np.array([1, 1, 1, 1]))
    envs.step(np.array([END, END, 1, 1]))
    shown = envs.render()
    assert shown[0] == shown[1] != asked[0]
    assert shown[2:] == asked[2:]
    envs.step(np.array([1, 1, 1, 1]))
    assert envs.render()[0] not in (shown[0], asked[0])  # the next question


def test_all_groups_share_one_reward_and_what_it_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    reveal = SealedLabels.reveal

    def noted(self: SealedLabels, question_id: str) -> str | None:
        read.add(question_id)
        return reveal(self, question_id)

    monkeypatch.setattr(SealedLabels, "reveal", noted)
    envs = token_envs(6, 2, reward="label_budget(labels=1, below=1.0)")
    envs.reset(seed=0)
    for tokens in random_tokens(envs, seed=0, steps=40):
        envs.step(tokens)
    assert len(read) == 1


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="not a multiple of 4"):
        token_envs(6, 4)
    with pytest.raises(ValueError, match="max_tokens"):
        token_envs(max_tokens=0)
    with pytest.raises(ValueError, match="max_prompt_tokens"):
        token_envs(max_prompt_tokens=0)
    with pytest.raises(ValueError, match=r"prompt of 3 tokens.*max_prompt_tokens = 2"):
        token_envs(max_prompt_tokens=2).reset(seed=0)
    with pytest.raises(ValueError, match="end_token_ids"):
        TokenCodec(lambda _: [0], lambda _: "", 4, (), 0)
    with pytest.raises(ValueError, match="pad_token_id"):
        TokenCodec(lambda _: [0], lambda _: "", 4, (1,), 4)
    envs = token_envs()
    with pytest.raises(gym.error.ResetNeeded):
        envs.step(np.zeros(6, dtype=np.int64))
    envs.reset(seed=0)
    with pytest.raises(gym.error.InvalidAction, match="shape"):
        envs.step(np.zeros(5, dtype=np.int64))
    with pytest.raises(gym.error.InvalidAction, match="float64"):
        envs.step(np.zeros(6))
    with pytest.raises(gym.error.InvalidAction, match=f"environment 2 was given id {VOCABULARY}"):
        envs.step(np.array([0, 0, VOCABULARY, 0, 0, 0]))


@pytest.mark.parametrize("end", ["", "<think>"])
def test_a_prompt_that_ends_inside_a_thought_lets_no_guess_vote(end: str) -> None:
    def told(ids: list[int]) -> str:
        return f"prompt{end}" if ids[:1] == [PAD] else decode(ids)

    tokens = TokenCodec(lambda _: [PAD, 1], told, VOCABULARY, (END,), PAD)
    envs = token_envs(3, 3, tokens=tokens)
    envs.reset(seed=0)
    envs.step(np.array([7, 7, 7]))
    _, rewards, *_ = envs.step(np.array([END, END, END]))
    assert rewards.tolist() == [0.0 if end else 1.0] * 3
