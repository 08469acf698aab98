"""Stable-Baselines3's PPO or A2C trains a language model without labels, token by token.

The algorithms are Stable-Baselines3's own, unmodified. Three things come from here: environments
that the model writes into, the model as a policy, and a rollout buffer that keeps completions
whole.

    pip install 'ttrl-env[sb3]'
    python examples/sb3_ppo.py
    python examples/sb3_ppo.py --algorithm a2c --seed 1

Both are measured as in the paper of TTRL, at temperature 0.6 and top-p 0.95, and greedily.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # on shared cores, spinning costs several times

import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecMonitor

from ttrl_agents.evaluate import Interval, evaluate
from ttrl_agents.policy import Policy, load_policy
from ttrl_agents.samplers import SamplingParams, TransformersSampler
from ttrl_agents.sb3 import (
    CausalLMActorCriticPolicy,
    CompletionRolloutBuffer,
    VoteMetrics,
    make_token_envs,
)
from ttrl_benchmarks import load_benchmark
from ttrl_env import LabelMetrics
from ttrl_env.integrations.sb3 import SB3VecEnv

QUESTIONS, VOTES, MAX_TOKENS = 8, 16, 64


def main() -> None:
    """Trains the tiny reasoner, and measures it before and after."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--algorithm", choices=["ppo", "a2c"], default="ppo")
    parser.add_argument("--updates", type=int, default=100)
    parser.add_argument("--model", default="tiny", help="what `ttrl train --model` takes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write the scores into this file")
    arguments = parser.parse_args()

    envs = make_token_envs(
        "TTRL-Arithmetic-v0",
        load_policy(arguments.model, device="cpu"),
        num_envs=QUESTIONS * VOTES,
        group_size=VOTES,
        max_tokens=MAX_TOKENS,
        fixed_length=True,  # a rollout of MAX_TOKENS steps is one completion from each
        centre_rewards=True,  # against the mean of the group, where the critic knows little yet
        wrap=LabelMetrics,  # only for the display: deleting it changes no weight
    )
    options = {
        "env": VecMonitor(SB3VecEnv(envs)),
        "n_steps": MAX_TOKENS,
        "gamma": 1.0,  # 0.99 would discount within a completion
        "gae_lambda": 1.0,
        "vf_coef": 0.1,
        "max_grad_norm": 1.0,
        "normalize_advantage": True,
        "learning_rate": lambda left: 2e-4 * math.sin(math.pi / 2 * left) ** 2,  # half a cosine
        "rollout_buffer_class": CompletionRolloutBuffer,
        "policy_kwargs": {
            "model": arguments.model,
            "optimizer_class": torch.optim.AdamW,
            "optimizer_kwargs": {"betas": (0.9, 0.95)},  # 0.999 suits thousands of updates
        },
        "seed": arguments.seed,
        "device": "cpu",
    }
    if arguments.algorithm == "ppo":
        # Two epochs: in the second the policy has moved, and ratios are clipped. With one epoch of
        # one minibatch, PPO would take A2C's step.
        batch_size = QUESTIONS * VOTES * MAX_TOKENS
        model = PPO(CausalLMActorCriticPolicy, batch_size=batch_size, n_epochs=2, **options)
    else:
        model = A2C(CausalLMActorCriticPolicy, **options)

    language_model = model.policy.language_model
    print("measuring the start ...", flush=True)
    before = measure(language_model, arguments.seed)
    display = Display(arguments.updates)
    steps = arguments.updates * QUESTIONS * VOTES * MAX_TOKENS
    model.learn(steps, callback=[VoteMetrics(), display], log_interval=arguments.updates + 1)
    print("measuring the end ...", flush=True)
    after = measure(language_model, arguments.seed)

    print(f"\n{arguments.algorithm}, seed {arguments.seed}, {display.seconds:.0f} s of training")
    for name, old in before.items():
        new = after[name]
        print(f"{name:46} {old}  ->  {new}  {100 * (new.mean - old.mean):+.1f} points")
    if arguments.json:
        scores = {"before": before, "after": after}
        arguments.json.write_text(
            json.dumps(
                {
                    when: {name: [each.mean, each.low, each.high] for name, each in found.items()}
                    for when, found in scores.items()
                }
            )
        )


def measure(policy: Policy, seed: int) -> dict[str, Interval]:
    """Asks every question 16 times and once greedily; only this reads labels."""
    results = {}
    sampler = TransformersSampler(policy)
    for split, words in (("train", "trained questions"), ("held_out", "held-out questions")):
        benchmark = load_benchmark("arithmetic", split=split)
        params = SamplingParams(MAX_TOKENS, temperature=0.6, top_p=0.95)
        found = evaluate(sampler, benchmark, k=16, params=params, seed=seed)
        for name, interval in found.metrics.items():
            results[f"{name}, {words}, T 0.6, top-p 0.95"] = interval
        greedy = SamplingParams(MAX_TOKENS, temperature=0.0)
        found = evaluate(sampler, benchmark, k=1, params=greedy, seed=seed)
        results[f"greedy, {words}"] = found.metrics["mean@1"]
    return results


class Display(BaseCallback):
    """Prints a line every ten updates."""

    def __init__(self, updates: int) -> None:
        super().__init__()
        self.updates, self.done, self.seconds = updates, 0, 0.0

    def _on_training_start(self) -> None:
        self.began = time.monotonic()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.done += 1
        if self.done % 10 == 0:
            votes = self.logger.name_to_value
            each = (time.monotonic() - self.began) / self.done
            print(
                f"update {self.done}/{self.updates}"
                f"  majority ratio {votes['votes/majority_ratio']:.2f}"
                f"  mean@{VOTES} {votes['votes/ground_truth_ratio']:.2f}"
                f"  {each * (self.updates - self.done):.0f} s left",
                flush=True,
            )

    def _on_training_end(self) -> None:
        self.seconds = time.monotonic() - self.began


if __name__ == "__main__":
    main()
