"""LabelMetrics: the paper's metrics, and that watching changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from env_fakes import NO_ANSWER, boxed, guesses, sums
from hypothesis import given
from hypothesis import strategies as st

from ttrl_benchmarks import Benchmark, SealedLabels
from ttrl_env import ConsensusReward, LabelMetrics, TTRLVectorEnv, finished_info
from ttrl_env.answers import equivalent
from ttrl_env.wrappers.label_metrics import METRICS


def one_question(label: str | None) -> Benchmark:
    only = sums(1).questions
    return Benchmark(
        "one", only, SealedLabels({} if label is None else {"sum-0": label}), "integer"
    )


def measure(texts: list[str], label: str | None, reward: str = "majority") -> dict[str, float]:
    envs = LabelMetrics(
        ConsensusReward(TTRLVectorEnv(len(texts), one_question(label), len(texts)), reward)
    )
    envs.reset(seed=0)
    final = finished_info(envs.step(texts)[4])
    for name in METRICS:
        assert final[name].dtype == np.float64
        assert len(set(final[name])) == 1
        assert final["_" + name].tolist() == [label is not None] * len(texts)
    return {name: float(final[name][0]) for name in METRICS}


def test_a_right_majority() -> None:
    assert measure([boxed(7), boxed("07"), boxed(3), NO_ANSWER], "7") == {
        "majority_accuracy": 1,
        "label_accuracy": 1,
        "reward_accuracy": 1,
        "ground_truth_ratio": 0.5,
        "pass_at_k": 1,
    }


def test_a_wrong_majority_still_rewards_most_completions_right() -> None:
    """The paper's "lucky hit": wrong answers other than the pseudo-label are rightly refused."""
    texts = [boxed(3)] * 3 + [boxed(7)] * 2 + [boxed(n) for n in range(10, 15)]
    assert measure(texts, "7") == {
        "majority_accuracy": 0,
        "label_accuracy": 0,
        "reward_accuracy": 0.5,
        "ground_truth_ratio": 0.2,
        "pass_at_k": 1,
    }


def test_nobody_is_right() -> None:
    metrics = measure([boxed(3), boxed(3), NO_ANSWER, boxed(1)], "7")
    assert metrics["pass_at_k"] == metrics["ground_truth_ratio"] == 0
    assert metrics["reward_accuracy"] == 0.5


def test_no_answer_at_all() -> None:
    metrics = measure([NO_ANSWER, ""], "7")
    assert metrics == dict.fromkeys(METRICS, 0.0) | {"reward_accuracy": 1.0}


def test_the_majority_is_measured_whatever_the_reward() -> None:
    texts = [boxed(3)] * 3 + [boxed(7)]
    oracle = measure(texts, "7", "oracle")
    assert (oracle["label_accuracy"], oracle["majority_accuracy"]) == (1, 0)
    assert oracle["reward_accuracy"] == 1
    assert measure(texts, "7", "random")["label_accuracy"] == 0


def test_questions_without_labels_are_masked_out() -> None:
    assert measure([boxed(3)], None) == dict.fromkeys(METRICS, 0.0)


@given(st.integers(0, 2**31), st.integers(1, 12), st.sampled_from(["0", "1", "02", "9"]))
def test_the_definitions(seed: int, k: int, label: str) -> None:
    texts = guesses(k, seed)
    envs = LabelMetrics(ConsensusReward(TTRLVectorEnv(k, one_question(label), k)))
    envs.reset(seed=0)
    _, rewards, _, _, infos = envs.step(texts)
    final = infos["final_info"]
    true = [a is not None and equivalent(a, label, "integer") for a in final["answer"]]
    consensus = final["consensus"][0]
    assert final["ground_truth_ratio"][0] == np.mean(true)
    assert final["pass_at_k"][0] == max(true)
    assert final["reward_accuracy"][0] == np.mean(rewards == np.array(true))
    is_right = consensus is not None and equivalent(consensus, label, "integer")
    assert final["label_accuracy"][0] == final["majority_accuracy"][0] == is_right


@pytest.mark.parametrize("mode", ["SAME_STEP", "NEXT_STEP", "DISABLED"])
def test_watching_changes_no_reward(mode: str) -> None:
    def run(watched: bool) -> list[list[float]]:
        envs = ConsensusReward(TTRLVectorEnv(6, sums(), 3, autoreset_mode=mode))
        envs = LabelMetrics(envs) if watched else envs
        envs.reset(seed=2)
        seen = []
        for step in range(6):
            _, rewards, terminations, _, infos = envs.step(guesses(6, step))
            seen.append(rewards.tolist())
            if watched:
                known = finished_info(infos)["_pass_at_k"]
                assert known.tolist() == terminations.tolist()
            if mode == "DISABLED":
                envs.reset()
        return seen

    assert run(watched=True) == run(watched=False)


def test_it_needs_votes_to_measure() -> None:
    with pytest.raises(ValueError, match=r"wrap it first: ConsensusReward\(envs\)"):
        LabelMetrics(TTRLVectorEnv(4, sums(), 2))
