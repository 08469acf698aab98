"""TRL's GRPOTrainer on questions that nobody labelled.

The trainer is TRL's own. Two things come from here: the questions as a data set, and a reward
function that lets the completions of each question vote.

    pip install 'ttrl-env[trl]'
    python examples/trl_grpo.py
    accelerate launch --multi_gpu --num_processes 2 examples/trl_grpo.py  # works on CPUs, too
"""

import argparse
import tempfile

from trl import GRPOConfig, GRPOTrainer

from ttrl_agents.evaluate import evaluate
from ttrl_agents.policy import load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_benchmarks import load_benchmark
from ttrl_env.integrations.trl import consensus_reward, questions_dataset

VOTES = 16  # completions of one question


def main() -> None:
    """Trains the tiny reasoner, and measures it before and after."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    benchmark = load_benchmark("arithmetic")
    policy = load_policy("tiny", device="cpu")  # a transformers model and its tokenizer
    config = GRPOConfig(
        num_generations=VOTES,
        per_device_train_batch_size=8 * VOTES,  # eight questions a step
        max_steps=arguments.steps,
        max_completion_length=128,
        temperature=1.0,
        learning_rate=2e-4,
        lr_scheduler_type="cosine",
        adam_beta2=0.95,  # the usual 0.999 suits thousands of steps
        gradient_checkpointing=False,  # a small model has memory to spare
        use_cpu=True,
        bf16=False,  # several times slower than float32 on a CPU
        seed=arguments.seed,
        logging_steps=10,
        save_strategy="no",
        report_to="none",
        output_dir=tempfile.mkdtemp(),
    )
    trainer = GRPOTrainer(
        model=policy.model,
        processing_class=policy.tokenizer,
        args=config,
        train_dataset=questions_dataset(benchmark),  # prompts and question ids, no labels
        reward_funcs=consensus_reward(benchmark, group_size=VOTES),
    )

    def measure() -> dict[str, str]:
        policy.model.eval()
        sampler, found = TransformersSampler(policy), {}
        for temperature, top_p, k in ((0.6, 0.95, 16), (0.0, 1.0, 1)):  # the paper's, and greedy
            params = SamplingParams(128, temperature, top_p)
            result = evaluate(sampler, benchmark, k=k, params=params, seed=arguments.seed)
            for name, each in result.metrics.items():
                if temperature:
                    found[f"{name} at T {temperature}, top-p {top_p}"] = str(each)
                elif name == "mean@1":
                    found["greedy"] = str(each)
        return found

    before = measure()
    trainer.train()
    after = measure()
    if trainer.is_world_process_zero():
        for name, value in before.items():
            print(f"{name:28} {value}  ->  {after[name]}")


if __name__ == "__main__":
    main()
