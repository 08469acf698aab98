"""The labels of an environment: one function leads to them, and nothing else that is public."""

from __future__ import annotations

import copy
import pickle
from functools import partial
from typing import Any

import gymnasium as gym
import pytest
from env_fakes import guesses, sums
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from token_fakes import codec

from ttrl_benchmarks import Benchmark, SealedLabels
from ttrl_env import (
    ConsensusReward,
    LabelMetrics,
    TokenVectorEnv,
    TTRLEnv,
    TTRLVectorEnv,
    benchmark_with_labels,
)

ENV_ID = "TTRL-Arithmetic-v0"


def through_pickle(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own


def reachable(thing: Any, seen: set[int], depth: int = 0) -> list[SealedLabels]:
    """The labels that public attributes, dictionaries and sequences lead to."""
    if id(thing) in seen or depth > 12 or isinstance(thing, str | bytes | int | float | type):
        return []
    seen.add(id(thing))
    if isinstance(thing, SealedLabels):
        return [thing] if len(thing) else []
    inside: list[Any] = []
    if isinstance(thing, dict):
        inside = list(thing.values())
    elif isinstance(thing, list | tuple | set):
        inside = list(thing)
    elif hasattr(thing, "__dict__") and type(thing).__module__.startswith(("ttrl", "gymnasium")):
        names = [name for name in vars(thing) if not name.startswith("_")] + ["spec"]
        inside = [getattr(thing, name, None) for name in names]
        inside += [vars(thing).get("env")]
    return [found for each in inside for found in reachable(each, seen, depth + 1)]


def made() -> list[Any]:
    loaded = sums()
    return [
        TTRLEnv(loaded, 2),
        TTRLVectorEnv(4, loaded, 2),
        ConsensusReward(TTRLVectorEnv(4, loaded, 2)),
        gym.make(ENV_ID, benchmark=loaded, group_size=2),
        gym.make_vec(ENV_ID, num_envs=4, group_size=2, benchmark=loaded),
        LabelMetrics(gym.make_vec(ENV_ID, num_envs=4, group_size=2, benchmark=loaded)),
    ]


@pytest.mark.parametrize("env", made(), ids=lambda env: type(env).__name__)
def test_no_public_attribute_leads_to_a_label(env: Any) -> None:
    assert reachable(env, set()) == []
    labelled = benchmark_with_labels(env)
    assert labelled.labels.reveal(labelled.questions[0].id) is not None
    assert labelled == env.unwrapped.benchmark  # the labels have no part in this
    assert len(env.unwrapped.benchmark.labels) == 0


@pytest.mark.parametrize("copied", [copy.deepcopy, through_pickle])
def test_a_copy_keeps_them_apart_too(copied: Any) -> None:
    env = copied(TTRLVectorEnv(4, sums(), 2))
    assert reachable(env, set()) == []
    assert len(benchmark_with_labels(env).labels) == len(env.benchmark)


def test_the_spec_makes_the_environment_again_without_labels() -> None:
    env = gym.make(ENV_ID, benchmark=sums(), group_size=2)
    assert isinstance(env.spec.kwargs["benchmark"], Benchmark)
    again = gym.make(env.spec)
    assert again.unwrapped.benchmark == env.unwrapped.benchmark
    assert len(benchmark_with_labels(again).labels) == 0
    by_name = gym.make(gym.make(ENV_ID, size=5).spec)
    assert len(benchmark_with_labels(by_name).labels) == 5


@pytest.mark.parametrize("kind", [SyncVectorEnv, partial(AsyncVectorEnv, shared_memory=False)])
def test_vectors_of_single_environments_have_their_labels_measured(kind: Any) -> None:
    makers = [
        lambda slot=slot: TTRLEnv(sums(), 1, reward=None, slot=slot, num_slots=2) for slot in (0, 0)
    ]
    singles = kind(makers)
    try:
        assert len(benchmark_with_labels(singles).labels) > 0
    finally:
        singles.close()


def test_label_metrics_see_labels_and_rewards_do_not() -> None:
    envs = LabelMetrics(ConsensusReward(TTRLVectorEnv(4, sums(), 2)))
    envs.reset(seed=0)
    infos = envs.step(guesses(4, 0))[-1]
    assert "ground_truth_ratio" in infos["final_info"]
    assert len(envs.env.benchmark.labels) == 0


def test_token_environments_are_sealed_too() -> None:
    envs = TokenVectorEnv(4, sums(), 2, tokens=codec(), max_tokens=4)
    assert reachable(envs, set()) == []
    assert len(benchmark_with_labels(envs).labels) > 0
