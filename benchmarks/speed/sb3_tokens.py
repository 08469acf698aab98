"""How much a language model reads while Stable-Baselines3 acts and learns with it.

One rollout of the tiny reasoner, acting with and without the policy's cache, and one pass over it
as learning makes it: log-probabilities of every token and their gradient, by minibatches of the
library's own buffer and of `CompletionRolloutBuffer`. Counted are the tokens that run through the
model, padding included, and CPU seconds of this process. What reading every prefix anew would take
is the sum of the lengths of all observations.

    python benchmarks/speed/sb3_tokens.py        # a minute on one core
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import tyro
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import DictRolloutBuffer

from ttrl_agents.policy import load_policy
from ttrl_agents.sb3 import CausalLMActorCriticPolicy, CompletionRolloutBuffer, make_token_envs
from ttrl_env.integrations.sb3 import SB3VecEnv


@dataclass(frozen=True)
class Options:
    """Counts the tokens of one rollout."""

    model: str = "tiny"
    """What `ttrl train --model` takes."""
    questions: int = 8
    """Questions at once."""
    votes: int = 16
    """Completions of each."""
    max_tokens: int = 64
    """The most tokens of a completion; also the steps of the rollout."""
    minibatches: int = 8
    """The minibatches of a pass, beside one of everything."""
    seed: int = 0
    """Names the questions and the draws."""


@dataclass
class Count:
    """What was read, and how long it took."""

    tokens: int = 0
    seconds: float = 0.0


def rolled_out(options: Options, buffer_class: type[Any]) -> tuple[PPO, Count]:
    """An algorithm that has acted for one rollout."""
    envs = make_token_envs(
        "TTRL-Arithmetic-v0",
        load_policy(options.model, device="cpu"),
        options.questions * options.votes,
        options.votes,
        max_tokens=options.max_tokens,
        fixed_length=True,
    )
    steps = options.max_tokens
    model = PPO(
        CausalLMActorCriticPolicy,
        SB3VecEnv(envs),
        n_steps=steps,
        batch_size=steps * envs.num_envs,
        gamma=1.0,
        rollout_buffer_class=buffer_class,
        seed=options.seed,
        device="cpu",
    )
    _, callback = model._setup_learn(steps * envs.num_envs)
    with counted(model) as count:
        model.collect_rollouts(model.env, callback, model.rollout_buffer, steps)  # type: ignore[arg-type]
    return model, count


@contextmanager
def counted(model: PPO) -> Iterator[Count]:
    """Counts what the language model reads within."""
    count = Count()

    def add(_: Any, __: Any, arguments: dict[str, Any]) -> None:
        count.tokens += arguments["input_ids"].numel()

    network = model.policy.language_model.model.base_model
    hook = network.register_forward_pre_hook(add, with_kwargs=True)
    began = time.process_time()
    yield count
    count.seconds = time.process_time() - began
    hook.remove()


def learned(model: PPO, minibatches: int) -> Count:
    """One pass over the rollout."""
    everything = model.n_steps * model.n_envs
    if isinstance(model.rollout_buffer, CompletionRolloutBuffer):
        everything = int((model.rollout_buffer.observations["finished"] == 0).sum())
    with counted(model) as count:
        for batch in model.rollout_buffer.get(-(-everything // minibatches)):
            _, log_probs, _ = model.policy.evaluate_actions(batch.observations, batch.actions)
            model.policy.zero_grad()
            log_probs.sum().backward()
    return count


def main(options: Options) -> None:
    torch.set_num_threads(1)
    rows: list[tuple[str, Count]] = []
    buffers = {
        "the library's buffer": DictRolloutBuffer,
        "`CompletionRolloutBuffer`": CompletionRolloutBuffer,
    }
    for name, buffer_class in buffers.items():
        model, acting = rolled_out(options, buffer_class)
        if not rows:
            held = model.rollout_buffer.observations
            writing = held["finished"][..., 0] == 0
            anew = Count(int(held["attention_mask"].sum(axis=2)[writing].sum()), np.nan)
            print(
                f"{model.n_envs} completions, {int(writing.sum()):,} tokens written, one thread\n"
            )
            rows = [
                ("acting, every prefix anew", anew),
                ("acting, from the cache", acting),
                ("learning, every prefix anew", anew),
            ]
        for minibatches in (options.minibatches, 1):
            plural = "es" if minibatches > 1 else ""
            title = f"learning, {name}, {minibatches} minibatch{plural}"
            # Both buffers rearrange what they hold in the first pass: each pass has its rollout.
            model = rolled_out(options, buffer_class)[0]
            rows.append((title, learned(model, minibatches)))
    print("| | tokens | CPU seconds, one thread |\n|---|---|---|")
    for title, count in rows:
        seconds = "" if np.isnan(count.seconds) else f"{count.seconds:.2f}"
        print(f"| {title} | {count.tokens:,} | {seconds} |")


if __name__ == "__main__":
    main(tyro.cli(Options))
