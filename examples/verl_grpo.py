"""verl's GRPO on questions that nobody labelled. It needs GPUs, and was not run by its authors.

The trainer is verl's own. Three things come from here: the questions as files, workers that let the
completions of each question vote, and the grading of the validation. --dry-run prints the command.

    pip install 'ttrl-env[agents]'
    pip install 'verl[vllm]==0.9.1'  # in an environment of its own: it pins PyTorch and vLLM
    python examples/verl_grpo.py --model Qwen/Qwen2.5-Math-7B --benchmark aime24
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

PLUGIN = "ttrl_env.integrations.verl"


def options(model: str, benchmark: str, folder: Path) -> list[str]:
    """Returns the options of verl's trainer: the paper's, but all 32 votes train."""
    rollout = "actor_rollout_ref.rollout"
    return [
        "algorithm.adv_estimator=grpo",
        f"data.train_files={folder / 'train.parquet'}",
        f"data.val_files={folder / 'test.parquet'}",
        "data.train_batch_size=8",
        "data.max_prompt_length=512",
        "data.max_response_length=3072",
        f"actor_rollout_ref.model.path={model}",
        "actor_rollout_ref.actor.optim.lr=5e-7",
        "actor_rollout_ref.actor.ppo_mini_batch_size=8",
        f"{rollout}.name=vllm",
        f"{rollout}.n=32",  # votes
        f"{rollout}.temperature=1.0",
        f"{rollout}.val_kwargs.n=16",
        f"{rollout}.val_kwargs.do_sample=True",
        f"{rollout}.val_kwargs.temperature=0.6",
        f"{rollout}.val_kwargs.top_p=0.95",
        f"+{rollout}.agent.agent_loop_manager_class={PLUGIN}.ConsensusAgentLoopManager",
        f"reward.custom_reward_function.path=pkg://{PLUGIN}",
        "reward.custom_reward_function.name=compute_score",
        f"+ttrl.benchmark={benchmark}",
        "+ttrl.reward=majority",
    ]


def main() -> None:
    """Writes the questions, and starts verl's trainer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="Qwen/Qwen2.5-Math-7B")
    parser.add_argument("--benchmark", default="aime24")
    parser.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args()

    folder = Path(tempfile.mkdtemp())
    given = options(arguments.model, arguments.benchmark, folder)
    command = [sys.executable, "-m", "verl.trainer.main_ppo", *given]
    if arguments.dry_run:
        print(shlex.join(command))
        return
    from ttrl_env.integrations.verl import write_questions

    write_questions(arguments.benchmark, folder / "train.parquet")  # no labels
    write_questions(arguments.benchmark, folder / "test.parquet", labels=True)  # for validation
    sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - our own command


if __name__ == "__main__":
    main()
