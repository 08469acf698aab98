"""One process of a TRL run whose groups do not fit into a process: see `test_trl_trainers`.

Run by `accelerate launch`. Each process writes what it was rewarded with, and what the trainer
gathered from all of them, to the folder named by its argument.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from trl import GRPOConfig, GRPOTrainer
from trl_fakes import Counting

from ttrl_agents.policy.loading import load_policy
from ttrl_benchmarks import load_benchmark
from ttrl_env.integrations.trl import consensus_reward, questions_dataset

GROUP_SIZE = 4
ROWS = 6  # of each process: a group and a half


def rewards_of(benchmark: Any) -> list[Any]:
    """The reward functions of the run: without state, drawing coins, and remembering."""
    makers = ("majority", "random", Counting())
    return [consensus_reward(benchmark, GROUP_SIZE, reward) for reward in makers]


def main(folder: Path, steps: int = 2) -> None:
    """Trains for a few steps, keeping what the rewards were made of."""
    calls: list[dict[str, Any]] = []

    class Watched(GRPOTrainer):  # type: ignore[misc, unused-ignore]
        def _calculate_rewards(
            self, inputs: Any, prompts: Any, completions: Any, ids: Any
        ) -> torch.Tensor:
            gathered: torch.Tensor = super()._calculate_rewards(inputs, prompts, completions, ids)
            call = {
                "question_id": [row["question_id"] for row in inputs],
                "completions": completions,
                "completion_ids": ids,
                "step": self.state.global_step,
                "gathered": gathered.tolist(),
            }
            calls.append(call)
            return gathered

    policy = load_policy("tiny", device="cpu")
    benchmark = load_benchmark("arithmetic")
    config = GRPOConfig(
        num_generations=GROUP_SIZE,
        per_device_train_batch_size=ROWS,
        max_steps=steps,
        max_completion_length=48,
        learning_rate=1e-4,
        use_cpu=True,
        bf16=False,
        save_strategy="no",
        report_to="none",
        output_dir=str(folder / "run"),
    )
    trainer = Watched(
        model=policy.model,
        processing_class=policy.tokenizer,
        args=config,
        train_dataset=questions_dataset(benchmark),
        reward_funcs=rewards_of(benchmark),
    )
    trainer.train()
    rank, world = trainer.accelerator.process_index, trainer.accelerator.num_processes
    (folder / f"{rank}-of-{world}.json").write_text(json.dumps(calls), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
