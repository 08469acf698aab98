"""How much a language model reads while Stable-Baselines3 acts and learns with it.

One rollout of the tiny reasoner, acting with and without the policy's cache, and one pass over it
as learning makes it: log-probabilities of every token and their gradient, by minibatches of the
library's own buffer and of `CompletionRolloutBuffer`. Counted are the tokens that run through the
model, padding included, and CPU seconds of this process. What reading every prefix anew would take
is the sum of the lengths of all observations.

    python benchmarks/speed/sb3_tokens.py            # a minute on one core
    python benchmarks/speed/sb3_tokens.py --write    # and keeps it in docs/sb3.md
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import DictRolloutBuffer

sys.path.append(str(Path(__file__).parents[1]))
from pages import REPOSITORY, command_line, write_results
from ttrl_agents.policy import load_policy
from ttrl_agents.sb3 import CausalLMActorCriticPolicy, CompletionRolloutBuffer, make_token_envs
from ttrl_env.integrations.sb3 import SB3VecEnv

PAGE = REPOSITORY / "docs" / "sb3.md"
BLOCK = "sb3_tokens"


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
    write: bool = False
    """Keep the results in the documentation."""


@dataclass
class Count:
    """What was read, and how long it took."""

    tokens: int = 0
    seconds: float | None = 0.0


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


def measure(options: Options) -> dict[str, Any]:
    """Returns what was read and how long it took, in the order of the table."""
    rows: list[tuple[str, Count]] = []
    buffers = {
        "the library's buffer": DictRolloutBuffer,
        "`CompletionRolloutBuffer`": CompletionRolloutBuffer,
    }
    completions = written = 0
    for name, buffer_class in buffers.items():
        model, acting = rolled_out(options, buffer_class)
        if not rows:
            held = model.rollout_buffer.observations
            writing = held["finished"][..., 0] == 0
            again = Count(int(held["attention_mask"].sum(axis=2)[writing].sum()), None)
            completions, written = model.n_envs, int(writing.sum())
            rows = [
                ("acting, every prefix read again", again),
                ("acting, from the cache", acting),
                ("learning, every prefix read again", again),
            ]
        for minibatches in (options.minibatches, 1):
            plural = "es" if minibatches > 1 else ""
            title = f"learning, {name}, {minibatches} minibatch{plural}"
            # Both buffers rearrange what they hold in the first pass: each pass has its rollout.
            model = rolled_out(options, buffer_class)[0]
            rows.append((title, learned(model, minibatches)))
    return {
        "command": command_line(),
        "model": options.model,
        "completions": completions,
        "written": written,
        "rows": [[title, count.tokens, count.seconds] for title, count in rows],
    }


def table(results: dict[str, Any]) -> str:
    """Returns the Markdown table of the results."""
    lines = ["| | tokens | CPU seconds, one thread |", "|---|---|---|"]
    for title, tokens, seconds in results["rows"]:
        lines.append(f"| {title} | {tokens:,} | {'' if seconds is None else f'{seconds:.2f}'} |")
    legend = (
        f"One rollout of `{results['model']}`: {results['completions']} completions, "
        f"{results['written']:,} tokens written. Tokens are those run through the model, padding "
        f"included. Printed by `{results['command']}`."
    )
    return "\n".join([*lines, "", legend])


def main(options: Options) -> None:
    torch.set_num_threads(1)
    results = measure(options)
    print(table(results))
    if options.write:
        write_results(BLOCK, results, PAGE, table(results))


if __name__ == "__main__":
    main(tyro.cli(Options))
