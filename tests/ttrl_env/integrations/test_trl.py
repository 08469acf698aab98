"""The reward function for TRL's trainers: what it votes on, and what it refuses."""

from __future__ import annotations

import pickle
import subprocess
import sys
from itertools import chain, pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, guesses, sums
from hypothesis import given
from hypothesis import strategies as st
from trl_fakes import Counting

from ttrl_benchmarks import SealedLabels, UnknownNameError
from ttrl_env.completion import Completion
from ttrl_env.consensus import (
    REWARDS,
    Ballot,
    Majority,
    RewardError,
    Verdict,
    hold_vote,
    resolve_estimator,
)
from ttrl_env.integrations import trl as integration
from ttrl_env.integrations.trl import consensus_reward, questions_dataset


def rows_of(*questions: int, size: int) -> list[str]:
    return [f"sum-{question}" for question in questions for _ in range(size)]


def turn(text: str) -> list[dict[str, str]]:
    """A completion as the trainers hand it over where prompts are conversations."""
    return [{"role": "assistant", "content": text}]


class World:
    """Processes that call in turn: what each would exchange is known beforehand."""

    def __init__(self, ids: list[list[str]], texts: list[list[str]]) -> None:
        self.ids, self.texts = ids, texts
        self.rank = 0
        self.exchanged_texts = 0

    def __call__(self, values: list[Any]) -> tuple[list[list[Any]], int]:
        if values and isinstance(values[0], Completion):
            self.exchanged_texts += 1
            everyone: list[list[Any]] = [[Completion(t) for t in texts] for texts in self.texts]
        else:
            everyone = list(self.ids)
        assert values == everyone[self.rank]
        return everyone, self.rank


def rewards_over(
    world: World, monkeypatch: pytest.MonkeyPatch, size: int, make: Any
) -> list[float | None]:
    """Calls the function as every process in turn would."""
    rewards: list[float | None] = []
    with monkeypatch.context() as patch:
        patch.setattr(integration, "_exchange", world)
        for rank, (ids, texts) in enumerate(zip(world.ids, world.texts, strict=True)):
            world.rank = rank
            reward = consensus_reward(sums(), size, make())
            rewards += reward([turn(text) for text in texts], question_id=ids)
    return rewards


def test_it_pays_what_the_vote_says() -> None:
    reward = consensus_reward(sums(), 4)
    texts = [boxed(1), boxed("01"), boxed(2), NO_ANSWER, *[boxed(5)] * 4]
    ids = rows_of(0, 1, size=4)
    expected = [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    assert reward(texts, question_id=ids) == expected
    assert reward([turn(text) for text in texts], question_id=ids) == expected


@given(seed=st.integers(0, 2**32), size=st.integers(2, 6), groups=st.integers(1, 5))
def test_it_pays_what_the_estimator_pays(seed: int, size: int, groups: int) -> None:
    benchmark = sums(groups)
    texts = guesses(groups * size, seed)
    paid = consensus_reward(benchmark, size)(texts, question_id=rows_of(*range(groups), size=size))
    for group, question in enumerate(benchmark.questions):
        members = slice(group * size, (group + 1) * size)
        verdict = Majority()(hold_vote(texts[members], question, benchmark))
        expected = [None] * size if verdict.abstains else verdict.rewards.tolist()
        assert paid[members] == expected


@pytest.mark.parametrize("name", REWARDS)
def test_a_reward_by_name_pays_as_in_an_environment_or_is_refused(name: str) -> None:
    benchmark, texts = sums(), [boxed(1), boxed(1), boxed(2), NO_ANSWER]
    question, ids = benchmark.questions[0], ["sum-0"] * 4
    try:
        verdict = resolve_estimator(name, benchmark)(hold_vote(texts, question, benchmark))
    except RewardError:  # it needs more than text
        verdict = None
    if verdict is None or REWARDS[name].card.brings:
        with pytest.raises(ValueError, match=r"needs|gives"):
            consensus_reward(benchmark, 4, name)(texts, question_id=ids)
        return
    expected = [None] * 4 if verdict.abstains else verdict.rewards.tolist()
    assert consensus_reward(benchmark, 4, name)(texts, question_id=ids) == expected


@pytest.mark.parametrize("make", [lambda: "majority", lambda: "random", Counting])
@given(
    size=st.integers(2, 5),
    groups=st.integers(1, 5),
    cuts=st.lists(st.integers(0, 25), max_size=3),
    seed=st.integers(0, 2**32),
)
def test_however_processes_share_the_rows_the_rewards_are_those_of_one(
    make: Any, size: int, groups: int, cuts: list[int], seed: int
) -> None:
    ids = rows_of(*range(groups), size=size)
    texts = guesses(len(ids), seed)
    edges = sorted({0, *(min(cut, len(ids)) for cut in cuts), len(ids)})
    parts = [slice(a, b) for a, b in pairwise(edges)]
    world = World([ids[part] for part in parts], [texts[part] for part in parts])
    alone = consensus_reward(sums(), size, make())(texts, question_id=ids)
    with pytest.MonkeyPatch.context() as patch:
        assert rewards_over(world, patch, size, make) == alone


@pytest.mark.parametrize(
    ("rows", "exchanges"), [((4, 4), 0), ((8, 4), 0), ((6, 6), 2), ((4, 2, 2), 3)]
)
def test_completions_are_exchanged_only_where_a_group_is_split(
    rows: tuple[int, ...], exchanges: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, texts = iter(rows_of(0, 1, 2, size=4)), iter([boxed(1)] * 12)
    world = World(
        [[next(ids) for _ in range(n)] for n in rows],
        [[next(texts) for _ in range(n)] for n in rows],
    )
    assert rewards_over(world, monkeypatch, 4, Majority) == [1.0] * sum(rows)
    assert world.exchanged_texts == exchanges


def test_whoever_remembers_sees_every_group_on_every_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = [rows_of(0, size=2), rows_of(1, size=2)]
    world = World(ids, [[boxed(1)] * 2] * 2)
    monkeypatch.setattr(integration, "_exchange", world)
    for rank in range(2):
        world.rank = rank
        reward = consensus_reward(sums(), 2, Counting())
        reward([boxed(1)] * 2, question_id=ids[rank])
        assert reward.state_dict() == {"sum-0": 1, "sum-1": 1}


def test_a_group_that_abstains_is_left_out() -> None:
    reward = consensus_reward(sums(), 2)
    texts = [NO_ANSWER, NO_ANSWER, boxed(2), NO_ANSWER]
    assert reward(texts, question_id=rows_of(0, 1, size=2)) == [None, None, 1.0, 0.0]


def test_deleting_every_label_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, ids = guesses(40, 3), rows_of(*range(5), size=8)
    paid = consensus_reward(sums(), 8)(texts, question_id=ids)
    assert paid == consensus_reward(sums().unlabeled(), 8)(texts, question_id=ids)

    def broken_seal(self: SealedLabels, question_id: str) -> str:
        raise AssertionError(f"the label of {question_id} was read")

    monkeypatch.setattr(SealedLabels, "reveal", broken_seal)
    assert consensus_reward(sums(), 8)(texts, question_id=ids) == paid
    assert len(consensus_reward(sums(), 8).benchmark.labels) == 0


def test_the_oracle_sees_labels() -> None:
    texts = [boxed(1), boxed(2), boxed(2)]  # 0 + 1, and the majority is wrong
    assert consensus_reward(sums(), 3)(texts, question_id=["sum-0"] * 3) == [0.0, 1.0, 1.0]
    oracle = consensus_reward(sums(), 3, "oracle")
    assert oracle(texts, question_id=["sum-0"] * 3) == [1.0, 0.0, 0.0]


def test_the_ballot_knows_lengths_in_tokens() -> None:
    seen: list[Ballot] = []

    def estimator(ballot: Ballot) -> Verdict:
        seen.append(ballot)
        return Verdict(np.zeros(ballot.size), None)

    reward = consensus_reward(sums(), 2, estimator)
    reward([boxed(1)] * 2, question_id=["sum-0"] * 2, completion_ids=[[5, 6, 7], [5]])
    assert seen[0].lengths.tolist() == [3, 1]


def test_a_visit_is_named_by_the_trainers_step_so_that_a_resumed_run_repeats() -> None:
    def coins(reward: Any, step: int) -> list[float | None]:
        state = SimpleNamespace(global_step=step)
        paid: list[float | None] = reward(
            [boxed(1)] * 64, question_id=["sum-0"] * 64, trainer_state=state
        )
        return paid

    whole = consensus_reward(sums(), 64, "random")
    draws = [coins(whole, step) for step in (0, 0, 1, 2)]  # twice at step 0: two batches
    assert len({tuple(draw) for draw in draws}) == 4
    resumed = consensus_reward(sums(), 64, "random")
    assert coins(resumed, 2) == draws[3]


def test_what_it_tells_the_trainers_log() -> None:
    reward = consensus_reward(sums(), 2)
    for name in ("consensus", "other"):
        reward.__name__ = name
        metrics: dict[str, float] = {}
        columns: dict[str, list[Any]] = {}
        reward(
            [boxed(7), NO_ANSWER, NO_ANSWER, NO_ANSWER],
            question_id=rows_of(0, 1, size=2),
            log_metric=metrics.__setitem__,
            log_extra=columns.__setitem__,
        )
        assert metrics == {
            f"{name}/majority_ratio": 0.25,
            f"{name}/absent_answers": 0.75,
            f"{name}/abstained": 0.5,
        }
        assert columns == {
            f"{name}/answer": ["7", None, None, None],
            f"{name}/pseudo_label": ["7", "7", None, None],
        }


def test_it_goes_through_pickle() -> None:
    reward = pickle.loads(pickle.dumps(consensus_reward(sums(), 2)))  # noqa: S301 - made by us
    assert reward([boxed(1)] * 2, question_id=["sum-0"] * 2) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("as it is", "as it is"),
        ([{"role": "tool", "content": "7"}, {"role": "assistant", "content": "8"}], "8"),
        ([{"role": "assistant", "content": None, "tool_calls": []}], ""),
        ([{"role": "assistant", "content": [{"type": "text", "text": "9"}]}], "9"),
        ([{"role": "assistant", "content": [{"type": "text", "text": None}, "9"]}], "9"),
        ("", ""),
        (None, ""),
        ([], ""),
        ([None], ""),
        ([{"role": "assistant"}], ""),
        ({"role": "assistant", "content": "6"}, "6"),
        ([{"role": "assistant", "content": "7"}, {"role": "tool", "content": "8"}], ""),
        ([{"role": "assistant", "content": "7"}, {"role": "user", "content": "8"}], ""),
    ],
)
def test_the_text_of_a_completion_is_its_last_turn(completion: Any, text: str) -> None:
    assert integration._text(completion) == text


@pytest.mark.parametrize("nothing", ["", None, [], [{"role": "assistant", "content": None}]])
def test_a_completion_that_says_nothing_is_a_vote_without_an_answer(nothing: Any) -> None:
    reward = consensus_reward(sums(), 4)
    texts = [turn(boxed(2)), turn(boxed(2)), nothing, nothing]
    assert reward(texts, question_id=["sum-0"] * 4) == [1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (None, "has no column 'question_id'.*questions_dataset"),
        (["sum-0"] * 3, "3 completions over all processes.*num_generations=2"),
        (["sum-0", "sum-1"], "questions sum-0, sum-1 are in one group of 2"),
        (["sum-9"] * 2, "'sum-9' is not in benchmark 'sums'"),
        (["sum-1"] * 4, "'sum-1' fills two groups of 2 in a row"),
    ],
)
def test_what_it_cannot_make_whole_it_refuses(ids: list[str] | None, message: str) -> None:
    reward = consensus_reward(sums(), 2)
    with pytest.raises(ValueError, match=message):
        reward([boxed(1)] * len(ids or "12"), question_id=ids)


@pytest.mark.parametrize(
    ("completions", "more", "message"),
    [
        ([boxed(1)] * 4, {}, "question_id has 2 values for 4 completions"),
        ([boxed(1)], {}, "question_id has 2 values for 1 completions"),
        ([boxed(1)] * 2, {"completion_ids": [[1]]}, "completion_ids has 1 values for 2"),
        ([7, 8], {}, "a text or a list of turns, not int '7'"),
        ([b"7", b"8"], {}, "a text or a list of turns, not bytes"),
    ],
)
def test_completions_that_do_not_fit_raise_an_error(
    completions: list[Any], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        consensus_reward(sums(), 2)(completions, question_id=["sum-0"] * 2, **more)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("guard", "Guard.* gives advantages and weights of its own, but TRL's trainers"),
        ("held(inner=ddrl)", "gives advantages of its own"),
        ("deepconf(measure=probability)", "needs the log-probabilities of the tokens"),
        ("majority + 0.1*scope(measure=probability)", "needs the log-probabilities"),
    ],
)
def test_a_reward_that_would_fail_at_a_later_vote_is_refused_at_once(
    name: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        consensus_reward(sums(), 2, name)


def test_a_sum_that_remembers_nothing_needs_no_checkpoint() -> None:
    later = SimpleNamespace(global_step=3)
    plain = consensus_reward(sums(), 2, "majority + 0.1*format_only")
    texts, ids = [boxed(1), boxed(1)], ["sum-0"] * 2
    assert plain(texts, question_id=ids, trainer_state=later) == [1.1, 1.1]
    mindful = consensus_reward(sums(), 2, "majority + 0.1*held")
    with pytest.raises(ValueError, match="remembers no vote before it"):
        mindful(texts, question_id=ids, trainer_state=later)


def test_the_only_question_may_fill_several_groups() -> None:
    reward = consensus_reward(sums(1), 2)
    assert reward([boxed(1)] * 4, question_id=["sum-0"] * 4) == [1.0] * 4


def test_names_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="majority"):
        consensus_reward(sums(), 2, "majorty")
    with pytest.raises(UnknownNameError, match="arithmetic"):
        consensus_reward("arithmetics", 2)
    with pytest.raises(ValueError, match="group_size must be 2 or more, not 1"):
        consensus_reward(sums(), 1)


@pytest.mark.parametrize("rewards", [np.zeros(3), np.array([0.0, np.nan])])
def test_rewards_that_would_spoil_the_loss_are_refused(rewards: Any) -> None:
    reward = consensus_reward(sums(), 2, lambda ballot: Verdict(rewards, None))
    with pytest.raises(ValueError, match="must give 2 finite rewards"):
        reward([boxed(1)] * 2, question_id=["sum-0"] * 2)


@pytest.mark.parametrize("own", ["advantages", "weights"])
def test_what_trl_has_no_place_for_is_refused(own: str) -> None:
    def estimator(ballot: Ballot) -> Verdict:
        own_values: dict[str, Any] = {own: np.ones(2)}
        return Verdict(np.zeros(2), None, **own_values)

    with pytest.raises(ValueError, match=f"gives {own}, but TRL takes rewards alone"):
        consensus_reward(sums(), 2, estimator)([boxed(1)] * 2, question_id=["sum-0"] * 2)


@pytest.mark.parametrize("need", ["needs_token_statistics", "needs_two_prompts"])
def test_a_reward_that_needs_more_than_completions_is_refused_at_once(need: str) -> None:
    estimator = Counting()
    setattr(estimator, need, True)
    with pytest.raises(ValueError, match="which TRL's trainers do not give"):
        consensus_reward(sums(), 2, estimator)


def test_memory_goes_with_the_trainers_checkpoints(tmp_path: Any) -> None:
    pytest.importorskip("transformers")
    (tmp_path / "checkpoint-3").mkdir()
    arguments = SimpleNamespace(output_dir=str(tmp_path))
    start = SimpleNamespace(global_step=0, is_world_process_zero=True)
    later = SimpleNamespace(global_step=3, is_world_process_zero=True)
    call: dict[str, Any] = {"question_id": ["sum-0"] * 2}

    first = consensus_reward(sums(), 2, Counting())
    callback = first.checkpoint_callback()
    callback.on_train_begin(arguments, start, None)
    assert first([boxed(1)] * 2, **call, trainer_state=start) == [1.0, 1.0]
    callback.on_save(arguments, later, None)

    resumed = consensus_reward(sums(), 2, Counting())
    resumed.checkpoint_callback().on_train_begin(arguments, later, None)
    assert resumed([boxed(1)] * 2, **call, trainer_state=later) == [2.0, 2.0]

    forgetful = consensus_reward(sums(), 2, Counting())
    with pytest.raises(ValueError, match=r"goes on at step 3.*checkpoint_callback"):
        forgetful([boxed(1)] * 2, **call, trainer_state=later)


def test_the_data_set_holds_questions_and_no_label() -> None:
    pytest.importorskip("datasets", reason="needs ttrl-env[trl]")
    rows = questions_dataset(sums(2))
    assert rows.column_names == ["prompt", "question_id"]
    assert list(rows) == [
        {
            "prompt": [{"role": "user", "content": "What is 0 + 1? Answer in \\boxed{}."}],
            "question_id": "sum-0",
        },
        {
            "prompt": [{"role": "user", "content": "What is 1 + 1? Answer in \\boxed{}."}],
            "question_id": "sum-1",
        },
    ]
    flat = list(chain.from_iterable(questions_dataset("TTRL-Arithmetic-v0")["prompt"]))
    assert len(flat) == 100


def test_importing_it_loads_no_deep_learning() -> None:
    code = "import ttrl_env.integrations.trl, sys; print(*{n.split('.')[0] for n in sys.modules})"
    command = [sys.executable, "-c", code]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert not {"torch", "transformers", "trl", "datasets", "ttrl_agents"} & loaded


def test_a_template_that_opens_a_thought_is_told_to_the_reward() -> None:
    texts = [r"maybe \boxed{7}", r"maybe \boxed{7}", r"hm</think>\boxed{8}"]
    rewards = {
        thinking: consensus_reward(sums(), 3, thinking=thinking)(
            texts, question_id=rows_of(0, size=3)
        )
        for thinking in (False, True)
    }
    assert rewards == {False: [1.0, 1.0, 0.0], True: [0.0, 0.0, 1.0]}
