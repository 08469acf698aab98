r"""The two other small models of the twins, made from the tiny reasoner in a few minutes.

- `MODELS`: their names and recipes; `model_path` is the folder of one.
- `make`: teaches one and writes its checkpoint (`python benchmarks/paper/models.py NAME`).
- `thoughts`, `with_sums`: the problems and solutions that `thinking` and `small` learn from.

`small` is another size: the first and the last of tiny's three layers, taught again on the same
mixture of guesses and worked answers. It calculates worse, so its votes are wrong more often. One
in four of its problems is a bare sum ("Calculate 57 + 65."), which the tiny reasoners never saw.

`thinking` is the tiny reasoner with a chat template that opens a thought, as those of DeepSeek-R1
and QwQ do, so that `--family reasoning` is what its template says. Half of its thoughts are empty
and a guess follows; some work the problem out once, with one step in eight wrong; the fewest work
it out, doubt, and work it out again with care. So what it does least often is the best, and takes
the most tokens.

Both are stored in bfloat16, which halves the files, and are computed with in float32 on a CPU.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro
from rich.progress import track

from ttrl_agents.policy import load_policy
from ttrl_agents.policy.determinism import deterministic
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.policy.policy import Policy
from ttrl_agents.tiny.build import accumulate_loss, practice
from ttrl_agents.tiny.solutions import write_answer, write_solution
from ttrl_benchmarks.arithmetic import LEVELS, Problem, Step, draw_problem, split_of

Name = Literal["small", "thinking"]
Examples = Iterator[tuple[Problem, str]]
Mixture = Callable[[np.random.Generator], Examples]

FOLDER = Path(__file__).parent / "models"
OPEN, CLOSE = "<think>\n", "\n</think>\n"
DOUBT = "\nWait, let me check.\n"
_HASHED = ("model.safetensors", "tokenizer.json", "chat_template.jinja")
_BATCH = 64
_WARMUP = 10


@dataclass(frozen=True)
class Recipe:
    """How a model is made from the tiny reasoner.

    Attributes:
        kept: The layers of the tiny reasoner that it keeps.
        exact_steps: Steps on exact worked solutions, first.
        steps: Steps on its own mixture, then.
        learning_rate: Peak learning rate of AdamW.
        seed: Names the problems.
    """

    kept: tuple[int, ...]
    exact_steps: int
    steps: int
    learning_rate: float
    seed: int = 0


MODELS: dict[Name, Recipe] = {
    "small": Recipe(kept=(0, 2), exact_steps=300, steps=160, learning_rate=2e-3),
    "thinking": Recipe(kept=(0, 1, 2), exact_steps=0, steps=300, learning_rate=1e-3),
}


def model_path(name: Name) -> Path:
    """Returns the folder of a model."""
    return FOLDER / name


def thoughts(rng: np.random.Generator) -> Examples:
    r"""Yields problems of the practice split without end, each with a thought and its answer.

    A thought is open already where the text begins, as the chat template leaves it.
    """
    while True:
        problem = draw_problem(rng, LEVELS[rng.integers(len(LEVELS))])
        if split_of(problem) != "practice":
            continue
        kind = rng.random()
        if kind < 0.55:
            yield problem, f"Easy.{CLOSE}{write_answer(problem.answer)}"
            continue
        worked, answer = _worked(problem, rng, error_rate=0.12)
        if kind >= 0.82:
            again, answer = _worked(problem, rng, error_rate=0.02)
            worked += DOUBT + again
        yield problem, f"{worked}{CLOSE}{answer}"


def _worked(problem: Problem, rng: np.random.Generator, error_rate: float) -> tuple[str, str]:
    """The steps of a solution, and the sentence that ends it."""
    worked, _, answer = write_solution(problem, rng, error_rate).rpartition("\n")
    return worked, answer


def with_sums(rng: np.random.Generator, error_rate: float, direct_share: float) -> Examples:
    """Yields problems of the practice split and bare sums without end, each with a solution.

    Args:
        rng: The source of chance.
        error_rate: The share of steps that get a wrong result, where steps are worked out.
        direct_share: The share of solutions that give the exact answer at once.
    """
    others = practice(rng, error_rate, direct_share)
    while True:
        if rng.random() >= 0.25:
            yield next(others)
            continue
        problem = _sum(rng)
        if rng.random() < direct_share:
            yield problem, write_answer(problem.answer)
        else:
            yield problem, write_solution(problem, rng, error_rate)


def _sum(rng: np.random.Generator) -> Problem:
    """A sum of two to four numbers, worked out from left to right."""
    first, *others = map(int, rng.integers(0, 10 ** rng.integers(1, 3) + 1, rng.integers(2, 5)))
    steps = [Step(first, "+", others[0])]
    steps += [
        Step(place, "+", number, left_is_step=True) for place, number in enumerate(others[1:])
    ]
    text = f"Calculate {' + '.join(map(str, (first, *others)))}."
    return Problem(text, tuple(steps), level=len(steps), signature=text)


MIXTURES: dict[Name, tuple[Mixture, Mixture]] = {  # exact, and the model's own
    "small": (
        partial(with_sums, error_rate=0.0, direct_share=0.0),
        partial(with_sums, error_rate=0.1, direct_share=0.6),
    ),
    "thinking": (partial(practice, error_rate=0.0), thoughts),
}


def make(
    name: Name, folder: Path, recipe: Recipe, *, threads: int = 1, batch: int = _BATCH
) -> Policy:
    """Teaches a model and writes its checkpoint, with the recipe and the checksums of its files.

    Args:
        name: Which one.
        folder: Where the checkpoint goes.
        recipe: How it is made.
        threads: CPU threads; the weights are the same bit for bit only for the same number, on the
            same kind of machine.
        batch: Solutions in a step.
    """
    torch.set_num_threads(threads)
    policy = load_policy("tiny", device="cpu")
    _keep_layers(policy, recipe.kept)
    if name == "thinking":
        template = policy.tokenizer.chat_template
        asked = "{% if add_generation_prompt %}<|assistant|>"
        policy.tokenizer.chat_template = template.replace(asked, asked + OPEN)
        policy = Policy(policy.model, policy.tokenizer, name)
    rng = np.random.default_rng([recipe.seed, 3])
    exact, own = (mixture(rng) for mixture in MIXTURES[name])
    _teach(policy, recipe, exact, own, batch)
    policy.model.to(torch.bfloat16)
    policy.save(folder)
    checksums = {each: hashlib.sha256((folder / each).read_bytes()).hexdigest() for each in _HASHED}
    record = json.dumps({"recipe": asdict(recipe), "sha256": checksums}, indent=2)
    (folder / "build.json").write_text(record + "\n", encoding="utf-8")
    return policy


def _keep_layers(policy: Policy, kept: tuple[int, ...]) -> None:
    layers = policy.model.model.layers
    chosen = [layers[index] for index in kept]
    for place, layer in enumerate(chosen):
        layer.self_attn.layer_idx = place  # the place of its keys and values in the cache
    policy.model.model.layers = torch.nn.ModuleList(chosen)
    policy.model.config.num_hidden_layers = len(chosen)
    types = getattr(policy.model.config, "layer_types", None)
    if types is not None:
        policy.model.config.layer_types = [types[index] for index in kept]


def _teach(policy: Policy, recipe: Recipe, exact: Examples, own: Examples, batch: int) -> None:
    model, log_probs = policy.model, LogProbs(policy)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.05
    )
    steps = recipe.exact_steps + recipe.steps

    def rate(step: int) -> float:
        return min(1.0, (step + 1) / _WARMUP) * (1 - step / steps)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    model.train()
    for step in track(range(steps), description=f"teaching {policy.name}"):
        examples = exact if step < recipe.exact_steps else own
        with deterministic(policy.device):
            accumulate_loss(policy, log_probs, list(islice(examples, batch)))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
    model.eval()


def main(name: tyro.conf.Positional[Name], output: Path | None = None, threads: int = 1) -> None:
    """Makes a small model from the tiny reasoner and writes its checkpoint.

    Args:
        name: Which one.
        output: Where the checkpoint goes; by default beside this script, in place of the old one.
        threads: CPU threads. The weights are reproduced bit for bit by the same number of threads
            on the same kind of machine.
    """
    began = time.monotonic()
    folder = model_path(name) if output is None else output
    policy = make(name, folder, MODELS[name], threads=threads)
    print(f"{policy.num_parameters:,} weights in {folder}, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    tyro.cli(main)
