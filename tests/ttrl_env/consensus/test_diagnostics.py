"""Diagnostics: what the votes alone say, remembered from visit to visit."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, guesses, sums
from hypothesis import given
from hypothesis import strategies as st

from ttrl_env import ConsensusReward, LabelMetrics, TTRLVectorEnv, finished_info
from ttrl_env.answers import answer_key
from ttrl_env.consensus import Diagnostics
from ttrl_env.consensus.diagnostics import DIAGNOSTICS

Infos = dict[str, Any]


def votes(*groups: list[str | None], questions: list[str] | None = None) -> Infos:
    """What `ConsensusReward` says of groups with these answers, `None` for no answer."""
    size = len(groups[0])
    names = questions or [f"q{i}" for i in range(len(groups))]
    classes: list[int] = []
    for group in groups:
        order = list(dict.fromkeys(each for each in group if each is not None))
        classes += [-1 if each is None else order.index(each) for each in group]
    count = len(classes)
    return {
        "question_id": np.repeat(names, size),
        "vote": np.array(classes),
        "_vote": np.ones(count, dtype=bool),
        "answer_key": np.array([_key(each) for group in groups for each in group], dtype=object),
        "abstained": np.zeros(count, dtype=bool),
        "finished": np.ones(count, dtype=bool),
    }


def _key(answer: str | None) -> Hashable:
    return None if answer is None else answer_key(answer, "integer")


def test_every_metric_by_hand() -> None:
    infos = votes(["7", "8", "7", "9"], ["7", None, None, None])
    infos["finished"][4:6] = False
    metrics = Diagnostics(4).update(
        infos, np.array([1, 0, 1, 0, 0, 0, 0, 0]), [2, 2, 2, 2, 4, 4, 5, 3]
    )
    assert tuple(metrics) == DIAGNOSTICS
    assert metrics["majority_ratio"] == (2 / 4 + 1 / 4) / 2
    assert metrics["margin"] == ((2 - 1) / 4 + (1 - 0) / 4) / 2
    entropy = -(0.5 * math.log(0.5) + 2 * 0.25 * math.log(0.25))
    assert metrics["answer_entropy"] == pytest.approx((entropy + 0) / 2)
    assert metrics["distinct_answers"] == (3 + 1) / 2
    assert metrics["distinct_winners"] == 1 / 2
    assert metrics["absent_answers"] == 3 / 8
    assert metrics["truncated"] == 2 / 8
    assert metrics["groups_without_gradient"] == 1 / 2
    assert metrics["completion_tokens"] == 3
    assert metrics["finished_tokens"] == (4 * 2 + 5 + 3) / 6
    assert math.isnan(metrics["flip_rate"])
    assert math.isnan(metrics["drift_rate"])
    assert math.isnan(metrics["settled_drift"])


def test_flips_are_from_the_last_visit_and_drift_is_from_the_first() -> None:
    diagnostics = Diagnostics(3)
    seen = []
    for winner in ("7", "07", "8", "8", "7"):
        metrics = diagnostics.update(votes([winner, winner, "1"], questions=["q"]), np.zeros(3))
        seen.append((metrics["flip_rate"], metrics["drift_rate"]))
    assert math.isnan(seen[0][0])
    assert seen[1:] == [(0, 0), (1, 1), (0, 1), (1, 0)]


def test_settled_drift_is_from_the_first_answer_that_nearly_all_votes_chose() -> None:
    diagnostics = Diagnostics(8)
    seen = []
    for winner, count in (("1", 7), ("2", 8), ("3", 8), ("3", 5), ("2", 5), (None, 8)):
        group = [winner] * count + [None] * (8 - count)
        metrics = diagnostics.update(votes(group, questions=["q"]), np.zeros(8))
        seen.append(metrics["settled_drift"])
    # 8 of 8 settle, 7 do not; a later answer is no settlement, however many chose it.
    assert seen[1:5] == [0, 1, 1, 0]
    assert math.isnan(seen[0])
    assert math.isnan(seen[5])


@pytest.mark.parametrize(("size", "enough"), [(7, 7), (8, 8), (16, 14), (32, 24), (64, 42)])
def test_a_question_settles_at_a_number_of_votes_that_chance_hardly_gives(size, enough) -> None:
    def settles(count: int) -> bool:
        diagnostics = Diagnostics(size)
        for winner, votes_for in (("1", count), ("2", size)):
            group = [winner] * votes_for + [None] * (size - votes_for)
            metrics = diagnostics.update(votes(group, questions=["q"]), np.zeros(size))
        return metrics["settled_drift"] == 1

    assert settles(enough)
    assert not settles(enough - 1)

    def chance(least: int) -> float:
        return sum(math.comb(size, count) for count in range(least, size + 1)) / 2**size

    assert chance(enough) <= 0.01 < chance(enough - 1)


@pytest.mark.parametrize("size", [1, 2, 4, 6])
def test_so_few_votes_never_settle_a_question(size) -> None:
    diagnostics = Diagnostics(size)
    for winner in ("1", "2"):
        metrics = diagnostics.update(votes([winner] * size, questions=["q"]), np.zeros(size))
    assert metrics["settled_drift"] == 0


def test_a_group_without_any_answer_flips_nothing_and_is_remembered_as_nothing() -> None:
    diagnostics = Diagnostics(2)
    diagnostics.update(votes(["7", "7"], questions=["q"]), np.zeros(2))
    silent = diagnostics.update(votes([None, None], questions=["q"]), np.zeros(2))
    assert silent["majority_ratio"] == silent["margin"] == silent["distinct_answers"] == 0
    for name in ("flip_rate", "answer_entropy", "distinct_winners"):
        assert math.isnan(silent[name])
    after = diagnostics.update(votes(["8", "8"], questions=["q"]), np.zeros(2))
    assert after["flip_rate"] == 1


def test_the_same_question_twice_in_a_step_counts_in_turn() -> None:
    diagnostics = Diagnostics(1)
    infos = votes(["7"], ["8"], ["8"], questions=["q", "q", "q"])
    assert diagnostics.update(infos, np.zeros(3))["flip_rate"] == 1 / 2


def test_what_is_remembered_is_the_same_in_every_process() -> None:
    diagnostics = Diagnostics(1)
    diagnostics.update(votes(["07"], questions=["q"]), np.zeros(1))
    # The BLAKE2b digest of the key as `b2sum -l 64` gives it, not Python's salted hash.
    assert diagnostics.state_dict()["last"] == {"q": "fd80def2bf6df72c"}


answers = st.lists(st.sampled_from(["1", "2", "3", None]), min_size=3, max_size=3)
steps = st.lists(st.tuples(answers, answers), min_size=2, max_size=8)


def through_json(diagnostics: Diagnostics) -> Diagnostics:
    copy = Diagnostics(3, window=3)
    copy.load_state_dict(json.loads(json.dumps(diagnostics.state_dict())))
    return copy


@given(steps=steps, data=st.data())
def test_a_run_that_was_interrupted_goes_on_with_the_same_metrics(
    steps: list[Any], data: st.DataObject
) -> None:
    stop = data.draw(st.integers(0, len(steps)))
    whole, halted = Diagnostics(3, window=3), Diagnostics(3, window=3)
    for index, groups in enumerate(steps):
        if index == stop:
            halted = through_json(halted)
        infos, tokens = votes(*groups), np.arange(6) * (index + 1)
        one = whole.update(infos, np.zeros(6), tokens)
        other = halted.update(infos, np.zeros(6), tokens)
        np.testing.assert_equal(one, other)


@given(groups=st.lists(answers, min_size=1, max_size=4), seed=st.integers(0, 999))
def test_the_order_of_votes_and_the_names_of_answers_do_not_matter(
    groups: list[Any], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    names = dict(zip(["1", "2", "3"], rng.permutation(["41", "42", "43"]).tolist(), strict=True))
    other = [[names.get(group[i]) for i in rng.permutation(3)] for group in groups]
    one = Diagnostics(3).update(votes(*groups), np.zeros(3 * len(groups)))
    two = Diagnostics(3).update(votes(*other), np.zeros(3 * len(groups)))
    # Which of equally frequent answers wins is a matter of order, as the tie rule says.
    for name in set(DIAGNOSTICS) - {"distinct_winners"}:
        np.testing.assert_allclose(one[name], two[name], err_msg=name)


def test_a_group_that_abstains_or_whose_advantages_are_nil_has_no_gradient() -> None:
    infos = votes(["1", "2"], ["1", "2"], ["1", "2"], ["1", "2"])
    infos["abstained"][:2] = True
    infos["advantage"] = np.array([0, 0, 0, 0, 1, -1, 0, 0], dtype=float)
    infos["_advantage"] = np.array([0, 0, 1, 1, 1, 1, 0, 0], dtype=bool)
    rewards = np.array([1, 0, 1, 0, 1, 1, 1, 0])
    metrics = Diagnostics(2).update(infos, rewards)
    # Abstains; advantages nil; advantages given though the rewards are equal; rewards differ.
    assert metrics["groups_without_gradient"] == 2 / 4
    assert metrics["abstained_groups"] == 1 / 4


def test_the_trend_is_the_slope_over_the_window() -> None:
    diagnostics = Diagnostics(1, window=3)
    trends = [
        diagnostics.update(votes(["1"]), np.zeros(1), [tokens])["length_trend"]
        for tokens in (10, 20, 30, 40)
    ]
    assert trends == pytest.approx([0, 10 / 15, 10 / 20, 10 / 30])
    without = diagnostics.update(votes(["1"]), np.zeros(1))
    assert math.isnan(without["length_trend"])
    assert math.isnan(without["completion_tokens"])
    assert math.isnan(without["finished_tokens"])


@pytest.mark.parametrize("mode", ["SAME_STEP", "NEXT_STEP"])
def test_it_reads_what_the_wrapper_says_in_any_autoreset_mode(mode: str) -> None:
    envs = ConsensusReward(TTRLVectorEnv(6, sums(), 3, autoreset_mode=mode))
    diagnostics = Diagnostics(3)
    envs.reset(seed=0)
    texts = [boxed(3), boxed("03"), boxed(4), NO_ANSWER, NO_ANSWER, ""]
    _, rewards, *_, infos = envs.step(texts)
    metrics = diagnostics.update(finished_info(infos), rewards)
    assert metrics["majority_ratio"] == pytest.approx((2 / 3 + 0) / 2)
    assert metrics["absent_answers"] == 3 / 6
    assert metrics["abstained_groups"] == 1 / 2
    if mode == "NEXT_STEP":
        _, rewards, *_, infos = envs.step(texts)
        assert diagnostics.update(finished_info(infos), rewards) == {}


def test_labels_change_nothing() -> None:
    def run(*, labelled: bool) -> list[dict[str, float]]:
        envs = LabelMetrics(ConsensusReward(TTRLVectorEnv(8, sums(labelled=labelled), 4)))
        diagnostics = Diagnostics(4)
        envs.reset(seed=3)
        seen = []
        for step in range(6):
            _, rewards, *_, infos = envs.step(guesses(8, step))
            seen.append(diagnostics.update(finished_info(infos), rewards))
        return seen

    np.testing.assert_equal(run(labelled=True), run(labelled=False))


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="group_size must be 1 or more, not 0"):
        Diagnostics(0)
    with pytest.raises(ValueError, match="window must be 2 or more, not 1"):
        Diagnostics(2, window=1)
    with pytest.raises(ValueError, match="4 votes, 3 rewards make no whole groups of 2"):
        Diagnostics(2).update(votes(["1", "1"], ["2", "2"]), np.zeros(3))
    with pytest.raises(ValueError, match="4 votes, 4 rewards make no whole groups of 3"):
        Diagnostics(3).update(votes(["1", "1"], ["2", "2"]), np.zeros(4))
