"""The reward function in the scoring loop of TRL's `AsyncGRPOTrainer`; its training needs a GPU."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import ttrl_agents.tiny
from ttrl_benchmarks import load_benchmark
from ttrl_env.integrations.trl import consensus_reward, questions_dataset

pytest.importorskip("trl", reason="needs ttrl-env[trl]")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

TINY = Path(ttrl_agents.tiny.__file__).parent / "checkpoint"
SAID = [r"\boxed{7}", r"\boxed{07}", r"\boxed{8}", "no idea"]


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Any:
    """TRL's own loop, as its child process makes it, with the reward as that process gets it."""
    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
    worker = pytest.importorskip("trl.experimental.async_grpo.async_rollout_worker")
    from accelerate.state import PartialState
    from transformers import AutoTokenizer

    PartialState()  # as the child process does, for TRL's log
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    tokenizer.response_template = "none"  # TRL knows those of some models, for their tool calls
    benchmark = load_benchmark("arithmetic", size=5)
    reward = consensus_reward(benchmark, group_size=4)
    made = worker._AsyncRolloutLoop(
        model_name=str(TINY),
        dataset=questions_dataset(benchmark),
        reward_funcs=[pickle.loads(pickle.dumps(reward))],  # noqa: S301 - made by us
        processing_class=tokenizer,
        eos_token_ids=[2],
        num_generations=4,
        rollout_buffer=None,
        model_version_value=SimpleNamespace(value=0),
        heartbeat_value=None,
        failed_event=None,
        exception_info_queue=None,
        metrics_queue=None,
    )
    yield made
    made._loop.close()


def score(loop: Any, texts: list[str], question_id: str = "train-0-L1-000") -> list[Any]:
    """Scores one group, with one row of tokens for each completion."""
    worker = pytest.importorskip("trl.experimental.async_grpo.async_rollout_worker")
    rows = [[worker.TrainingSequence([1, 5], [0, 1], [0.0, -0.5], str(i))] for i in range(4)]
    group = worker.RolloutGroup(
        prompts=[[{"role": "user", "content": "What is 3 + 4?"}]] * 4,
        reward_kwargs={"question_id": [question_id] * 4},
        completions=[[{"role": "assistant", "content": text}] for text in texts],
        completions_ids=[[5]] * 4,
        completions_sequences=rows,
        tool_call_counts=[0] * 4,
        tool_failure_counts=[0] * 4,
        model_version=0,
        group_id=0,
        env_rewards=[],
        rollout_rewards=[None] * 4,
    )
    samples: list[Any] = asyncio.run(loop._score_group(group))
    return samples


def test_a_group_is_scored_by_its_vote(loop: Any) -> None:
    samples = score(loop, SAID)
    assert [sample.metrics["rewards/consensus"] for sample in samples] == [1, 1, 0, 0]
    assert np.allclose([sample.advantage for sample in samples], [1, 1, -1, -1])


def test_a_group_that_abstains_has_no_advantage(loop: Any) -> None:
    samples = score(loop, ["no idea"] * 4)
    assert [sample.advantage for sample in samples] == [0, 0, 0, 0]
    assert all(np.isnan(sample.metrics["reward"]) for sample in samples)
