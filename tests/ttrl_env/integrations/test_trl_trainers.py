"""Consensus rewards in TRL's own trainers: real runs on the tiny reasoner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ttrl_agents.policy.loading import load_policy
from ttrl_benchmarks import load_benchmark
from ttrl_env.consensus import Ballot, Majority, Verdict
from ttrl_env.integrations.trl import consensus_reward, questions_dataset

trl = pytest.importorskip("trl", reason="needs ttrl-env[trl]")
pq = pytest.importorskip("pyarrow.parquet", reason="comes with datasets")
HELPERS = Path(__file__).parents[2] / "helpers"
REPOSITORY = HELPERS.parents[1]

pytestmark = pytest.mark.slow


class Wary(Majority):
    """Abstains on the questions of level 1, and pays the majority elsewhere."""

    def __call__(self, ballot: Ballot) -> Verdict:
        verdict = super().__call__(ballot)
        wary = "-L1-" in ballot.question_id
        return Verdict(verdict.rewards, verdict.pseudo_label, abstains=wary)


@pytest.mark.parametrize("name", ["GRPO", "RLOO"])
def test_a_trainer_learns_from_the_votes_and_nothing_from_groups_that_abstain(
    name: str, tmp_path: Path
) -> None:
    size, groups = 4, 10
    advantages: list[Any] = []
    rewarded: list[Any] = []
    trainer_class = getattr(trl, f"{name}Trainer")

    class Watched(trainer_class):  # type: ignore[misc, valid-type]
        def _calculate_rewards(self, *arguments: Any) -> Any:
            rewarded.append(super()._calculate_rewards(*arguments))
            return rewarded[-1]

        def _generate_and_score_completions(self, inputs: Any) -> Any:
            output = super()._generate_and_score_completions(inputs)
            advantages.append(output["advantages"])
            return output

    policy = load_policy("tiny", device="cpu")
    benchmark = load_benchmark("arithmetic", size=groups)  # two of each level
    config = getattr(trl, f"{name}Config")(
        num_generations=size,
        per_device_train_batch_size=size * groups,
        max_steps=1,
        max_completion_length=48,
        learning_rate=1e-3,
        lr_scheduler_type="constant",
        use_cpu=True,
        bf16=False,
        log_completions=True,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        output_dir=str(tmp_path),
    )
    trainer = Watched(
        model=policy.model,
        processing_class=policy.tokenizer,
        args=config,
        train_dataset=questions_dataset(benchmark),
        reward_funcs=consensus_reward(benchmark, size, Wary()),
    )
    before = {key: value.clone() for key, value in policy.model.state_dict().items()}
    trainer.train()

    (rewards,) = (each.reshape(groups, size) for each in rewarded)
    (learned,) = (each.reshape(groups, size) for each in advantages)
    abstained = rewards.isnan().all(dim=1)
    assert abstained.sum() == 2
    assert (rewards.isnan().any(dim=1) == abstained).all()
    assert (learned[abstained] == 0).all()
    mixed = ~abstained & (rewards.amin(dim=1) != rewards.amax(dim=1))
    assert mixed.any()
    assert ((learned[mixed] > 0) == (rewards[mixed] == 1)).all()
    after = trainer.model.state_dict()
    assert any((after[key] != value).any() for key, value in before.items())
    (log,) = (each for each in trainer.state.log_history if "rewards/consensus/mean" in each)
    assert log["consensus/abstained"] == pytest.approx(0.2)
    assert 0 < log["consensus/majority_ratio"] <= 1

    if name == "RLOO":
        return  # it keeps no table
    # The table of completions, where each column is told apart by its name alone.
    table = pq.read_table(tmp_path / "completions" / "completions_00001.parquet").to_pydict()
    paid = np.array(table["consensus"], dtype=np.float64)  # null, where a group abstains
    assert np.array_equal(paid, rewards.flatten().numpy(), equal_nan=True)
    columns = table["consensus/answer"], table["consensus/pseudo_label"]
    for reward, answer, label in zip(paid, *columns, strict=True):
        assert reward != 1 or None not in (answer, label)
        assert reward != 0 or answer is None or answer != label


def test_two_processes_that_share_groups_are_rewarded_as_one(tmp_path: Path) -> None:
    from trl_worker import GROUP_SIZE, ROWS, rewards_of

    # What the launcher calls several GPUs is several processes; the worker asks for CPUs.
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    launch += ["--num_processes", "2", "--num_machines", "1"]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    launch += ["--main_process_port", "0", str(HELPERS / "trl_worker.py"), str(tmp_path)]
    paths = [str(REPOSITORY / name) for name in ("", "agents", "benchmarks")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(launch, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]

    ranks = [
        json.loads((tmp_path / f"{rank}-of-2.json").read_text(encoding="utf-8"))
        for rank in range(2)
    ]
    alone = rewards_of(load_benchmark("arithmetic"))
    assert [len(calls) for calls in ranks] == [2, 2]
    for calls in zip(*ranks, strict=True):
        ids = list(chain.from_iterable(call["question_id"] for call in calls))
        assert len(ids) == 2 * ROWS
        assert ids[ROWS - 1] == ids[ROWS]  # one group is in both processes
        assert len(set(ids)) == 2 * ROWS // GROUP_SIZE
        rewards = [
            reward(
                list(chain.from_iterable(call["completions"] for call in calls)),
                question_id=ids,
                completion_ids=list(chain.from_iterable(call["completion_ids"] for call in calls)),
                trainer_state=SimpleNamespace(global_step=calls[0]["step"]),
            )
            for reward in alone
        ]
        expected = np.array(rewards, dtype=np.float64)  # NaN where a group abstains, as in TRL
        for call in calls:
            assert np.array_equal(expected.T, np.array(call["gathered"]), equal_nan=True)
        assert any(0 < group.mean() < 1 for group in expected[0].reshape(-1, GROUP_SIZE))
