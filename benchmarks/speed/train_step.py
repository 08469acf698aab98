"""One GRPO step, ours beside TRL's: same model, questions, group size and lengths, in turn.

A step samples the votes of a few questions, scores them and takes one update. The rate is 0, so
that every step of both meets the same policy, whose completions are of the same lengths; all the
work of an update is done. TRL's `GRPOTrainer` runs by itself, and after each of its steps one of
ours is timed: whatever else the machine does, both meet it. Then sampling alone, against
`model.generate`.

    pip install 'ttrl-env[trl]'
    python benchmarks/speed/train_step.py --steps 20
    python benchmarks/speed/train_step.py --steps 20 --write    # and keeps it in docs/training.md
    python benchmarks/speed/train_step.py --model HuggingFaceTB/SmolLM2-135M-Instruct \
        --device cuda --max-tokens 512 --peak-tflops 989
    python benchmarks/speed/train_step.py --shape qwen2.5-0.5b --device cuda --max-tokens 512

TRL's settings are those that suit it best here: float32 on CPU, where bfloat16 is several times
slower, and bfloat16 on GPU; no gradient checkpointing, no reference model, the whole batch in one
micro-batch, no logs. With `--shape` the weights are random and no vote has a winner: both pay every
second completion instead.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import numpy as np
import torch
import tyro
from transformers import (
    PrinterCallback,
    Qwen2Config,
    TrainerCallback,
)

sys.path.append(str(Path(__file__).parents[1]))
from pages import REPOSITORY, command_line, write_results
from ttrl_agents.config import TrainConfig
from ttrl_agents.learning import PolicyGradientAgent
from ttrl_agents.policy import Policy, load_policy
from ttrl_agents.rollout import Rollout
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.tiny.random_policy import random_policy
from ttrl_benchmarks import load_benchmark
from ttrl_env.integrations.trl import consensus_reward, questions_dataset
from ttrl_env.wrappers import finished_info

ENV, BENCHMARK = "TTRL-Arithmetic-v0", "arithmetic"
PAGE = REPOSITORY / "docs" / "training.md"
BLOCK = "train_step"


@dataclass(frozen=True)
class Options:
    """Times a GRPO step and sampling alone against TRL and transformers."""

    model: str = "tiny"
    """tiny, or what load_policy takes."""
    shape: Literal["qwen2.5-0.5b"] | None = None
    """Random weights of this shape instead."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where both run."""
    questions: int = 8
    """Questions in a step."""
    votes: int = 16
    """Completions of each."""
    max_tokens: int = 256
    """The most tokens of one completion."""
    steps: int = 10
    """Steps that are timed, after one that is not."""
    trl: bool = True
    """Whether to run TRL at all."""
    trl_micro_batch: int | None = None
    """Completions in a micro-batch of TRL's; by default all of a step."""
    peak_tflops: float | None = None
    """What the device can do, for the share of it that is used."""
    write: bool = False
    """Keep the results in the documentation."""


@dataclass(frozen=True)
class Step:
    """What a step took.

    Attributes:
        seconds: In all.
        tokens: That were sampled.
        parts: Seconds of each part, where they are known.
        trained: Tokens that were trained on, where it is known.
    """

    seconds: float
    tokens: int
    parts: tuple[float, ...] = ()
    trained: int = 0


def make_policy(options: Options) -> Policy:
    if options.shape is None:
        return load_policy(options.model, device=options.device)
    config = Qwen2Config(
        vocab_size=151_936,
        hidden_size=896,
        intermediate_size=4864,
        num_hidden_layers=24,
        num_attention_heads=14,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    return random_policy(config, name=options.shape, device=options.device)


def wait(options: Options) -> float:
    """The time, once the device has done what it was asked."""
    if options.device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def make_envs(options: Options) -> Any:
    count = options.questions * options.votes
    return gym.make_vec(ENV, num_envs=count, group_size=options.votes)


def questions_asked(options: Options) -> list[str]:
    """The prompts of every step, in order: the environment asks the same of whoever answers."""
    envs = make_envs(options)
    prompts, _ = envs.reset(seed=0)
    asked: list[str] = []
    for _ in range(options.steps + 1):
        asked += prompts[:: options.votes]
        prompts, *_ = envs.step([""] * len(prompts))
    return asked


def alternating(count: int) -> list[float]:
    return [float(i % 2 == 0) for i in range(count)]


def our_steps(policy: Policy, options: Options) -> Iterator[Step]:
    """Takes one step at each call of `next`."""
    config = TrainConfig(
        env=ENV,
        questions_per_step=options.questions,
        n_votes=options.votes,
        max_tokens=options.max_tokens,
        learning_rate=0.0,
        schedule="constant",
        device=options.device,
    )
    agent, envs = PolicyGradientAgent(policy, config), make_envs(options)
    prompts, _ = envs.reset(seed=0)
    for index in range(options.steps + 1):
        times = [wait(options)]
        completions = agent.act(prompts, index)
        times.append(wait(options))
        following, rewards, _, _, infos = envs.step(completions)
        abstained = finished_info(infos)["abstained"]
        if options.shape is not None:
            rewards = np.array(alternating(len(rewards)))
            abstained = np.zeros(len(rewards), dtype=bool)
        times.append(wait(options))
        rollout = Rollout(prompts, completions, rewards, abstained, options.votes, index)
        metrics = agent.learn(rollout)
        times.append(wait(options))
        tokens = sum(len(np.atleast_1d(each.token_ids)) for each in completions)
        parts = tuple(float(each) for each in np.diff(times))
        yield Step(times[-1] - times[0], tokens, parts, int(metrics["trained_tokens"]))
        prompts = following


class InTurn(TrainerCallback):
    """Times each step of TRL's trainer, then has one of ours taken."""

    def __init__(self, options: Options, ours: Iterator[Step], tokens: list[int]) -> None:
        self.options, self.ours, self.tokens = options, ours, tokens
        self.found: list[tuple[Step, Step]] = []
        self.began = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Starts the clock."""
        self.began = wait(self.options)

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Reads the clock, and starts it again once ours is done."""
        seconds = wait(self.options) - self.began
        self.found.append((Step(seconds, self.tokens.pop()), next(self.ours)))
        self.began = wait(self.options)


def steps_in_turn(options: Options, ours: Iterator[Step]) -> list[tuple[Step, Step]]:
    """Runs TRL's trainer, and our steps between its own."""
    from trl import GRPOConfig, GRPOTrainer

    benchmark = load_benchmark(BENCHMARK)
    rows = questions_dataset(benchmark)
    places = {row["prompt"][0]["content"]: i for i, row in enumerate(rows)}
    rows = rows.select([places[prompt] for prompt in questions_asked(options)])
    vote = consensus_reward(benchmark, options.votes)
    tokens: list[int] = []

    def reward(completions: Sequence[Any], completion_ids: Any, **columns: Any) -> list[Any]:
        tokens.append(sum(map(len, completion_ids)))
        votes = vote(completions, completion_ids=completion_ids, **columns)
        return votes if options.shape is None else list(alternating(len(votes)))

    count = options.questions * options.votes
    micro_batch = options.trl_micro_batch or count
    policy = make_policy(options)
    on_cpu = options.device == "cpu"
    config = GRPOConfig(
        num_generations=options.votes,
        per_device_train_batch_size=micro_batch,
        gradient_accumulation_steps=count // micro_batch,
        max_steps=options.steps + 1,
        max_completion_length=options.max_tokens,
        shuffle_dataset=False,
        temperature=1.0,
        learning_rate=0.0,
        lr_scheduler_type="constant",
        gradient_checkpointing=False,
        use_cpu=on_cpu,
        bf16=not on_cpu,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        output_dir=tempfile.mkdtemp(),
    )
    watch = InTurn(options, ours, tokens)
    trainer = GRPOTrainer(
        model=policy.model,
        processing_class=policy.tokenizer,
        args=config,
        train_dataset=rows,
        reward_funcs=reward,
        callbacks=[watch],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return watch.found


def summarize_steps(options: Options, steps: dict[str, list[Step]]) -> dict[str, Any]:
    """Returns medians and rates of the steps of each, and of the parts of ours."""
    count = options.questions * options.votes
    ours = steps["ours"]
    sampling, votes, update = (
        statistics.median(each) for each in zip(*(step.parts for step in ours), strict=True)
    )
    return {
        "completions": count,
        "seconds": {who: median_seconds(found) for who, found in steps.items()},
        "tokens_per_second": {
            who: sum(step.tokens for step in found) / sum(step.seconds for step in found)
            for who, found in steps.items()
        },
        "tokens_each": {
            who: sum(step.tokens for step in found) / len(found) / count
            for who, found in steps.items()
        },
        "parts": {"sampling": sampling, "votes": votes, "update": update},
        "sampled_per_second": sum(step.tokens for step in ours) / len(ours) / sampling,
        "trained_per_second": sum(step.trained for step in ours) / len(ours) / update,
    }


def median_seconds(steps: Sequence[Step]) -> float:
    """Returns the median of what the steps took."""
    return statistics.median(step.seconds for step in steps)


def table(results: dict[str, Any]) -> str:
    """Returns the Markdown tables of the results, and what they were measured on."""
    count, seconds = results["completions"], results["seconds"]
    lines = [
        f"| step of {count} completions | seconds | completions/s | tokens/s | tokens each |",
        "|---|---|---|---|---|",
    ]
    for who, median in seconds.items():
        rate, each = results["tokens_per_second"][who], results["tokens_each"][who]
        cells = f"{median:.2f} | {count / median:.1f} | {rate:,.0f} | {each:.0f}"
        lines.append(f"| {who} | {cells} |")
    lines += ["", "| sampling alone | tokens/s | ours over it |", "|---|---|---|"]
    for name, rate in results["sampling"].items():
        lines.append(f"| {name} | {rate:,.0f} | {results['sampling']['ours'] / rate:.2f} |")
    parts = results["parts"]
    threads = "1 thread" if results["threads"] == 1 else f"{results['threads']} threads"
    legend = (
        f"`{results['model']}`, {results['device']}, {threads}; {results['questions']} questions "
        f"with {results['votes']} votes each, at most {results['max_tokens']} tokens; medians of "
        f"{results['steps']} steps. Of ours, sampling takes {parts['sampling']:.2f} s "
        f"({results['sampled_per_second']:,.0f} tokens/s), votes {parts['votes']:.3f} s and the "
        f"update {parts['update']:.2f} s ({results['trained_per_second']:,.0f} tokens/s of groups "
        f"with a contrast). Printed by `{results['command']}`."
    )
    return "\n".join([*lines, "", legend])


def print_device(options: Options, policy: Policy, results: dict[str, Any]) -> None:
    """Prints how much of the device was used, where that is known."""
    if options.peak_tflops is not None:
        # Two operations a weight and token forward, four more backward; attention left out.
        share = policy.num_parameters / (options.peak_tflops * 1e12)
        print(
            f"share of {options.peak_tflops:g} TFLOP/s: sampling "
            f"{2 * results['sampled_per_second'] * share:.2%}, update "
            f"{6 * results['trained_per_second'] * share:.2%}"
        )
    if options.device == "cuda":
        whose = "both in one process" if options.trl else "ours"
        print(f"peak memory, {whose}: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")


def time_sampling(policy: Policy, options: Options) -> dict[str, float]:
    """Returns tokens per second of ours and of `generate`, from the same questions in turn."""
    tokenizer, asked = policy.tokenizer, questions_asked(options)
    tokenizer.padding_side = "left"
    sampler, params = TransformersSampler(policy), SamplingParams(options.max_tokens)

    def ours(prompts: list[str], seed: int) -> int:
        drawn = sampler.sample(prompts, params, seed=seed)
        return sum(len(np.atleast_1d(each.token_ids)) for each in drawn)

    def generate(cache: str | None) -> Callable[[list[str], int], int]:
        def run(prompts: list[str], seed: int) -> int:
            torch.manual_seed(seed)
            turns = [[{"role": "user", "content": prompt}] for prompt in prompts]
            batch = tokenizer.apply_chat_template(
                turns,
                add_generation_prompt=True,
                padding=True,
                return_tensors="pt",
                return_dict=True,
            ).to(options.device)
            with torch.inference_mode(), policy.precision():
                ids = policy.model.generate(
                    **batch,
                    do_sample=True,
                    top_k=0,
                    max_new_tokens=options.max_tokens,
                    cache_implementation=cache,
                    pad_token_id=policy.pad_token_id,
                )[:, batch["input_ids"].shape[1] :]
            ends = torch.isin(ids, torch.tensor(policy.end_token_ids, device=ids.device))
            return int((ends.cumsum(1) - ends.long() == 0).sum())  # the end itself is one of them

        return run

    ways = {
        "ours": ours,
        "generate, dynamic cache": generate(None),
        "generate, static cache": generate("static"),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for index in range(options.steps + 1):
        part = asked[index * options.questions : (index + 1) * options.questions]
        prompts = [prompt for prompt in part for _ in range(options.votes)]
        for name, way in ways.items():
            began = wait(options)
            tokens = way(prompts, index)
            rates[name].append(tokens / (wait(options) - began))
    return {name: statistics.median(found[1:]) for name, found in rates.items()}


def main(options: Options) -> None:
    policy = make_policy(options)
    ours = our_steps(policy, options)
    if options.trl:
        found = steps_in_turn(options, ours)[1:]
        steps = {"ours": [b for _, b in found], "TRL": [a for a, _ in found]}
    else:
        steps = {"ours": list(ours)[1:]}
    results = {
        "command": command_line(),
        "model": policy.name,
        "device": options.device,
        "threads": torch.get_num_threads(),
        "questions": options.questions,
        "votes": options.votes,
        "max_tokens": options.max_tokens,
        "steps": options.steps,
        **summarize_steps(options, steps),
        "sampling": time_sampling(policy, options),
    }
    print(table(results))
    print_device(options, policy, results)
    if options.write:
        write_results(BLOCK, results, PAGE, table(results))


if __name__ == "__main__":
    main(tyro.cli(Options))
