"""The arithmetic benchmark: which problems it holds, and in which split.

- `CARD`: what a listing says of it.
- `load`: one split as a `Benchmark`.
- `draw_problem`: one problem of a level at random.
- `split_of`: the split that a problem belongs to, whatever the seed.
"""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

import numpy as np

from ttrl_benchmarks.arithmetic.problem import Problem
from ttrl_benchmarks.arithmetic.templates import TEMPLATES
from ttrl_benchmarks.base import Benchmark, Question, SealedLabels
from ttrl_benchmarks.card import BenchmarkCard
from ttrl_benchmarks.entries import register_benchmark
from ttrl_benchmarks.errors import BenchmarkError, unknown_name

__all__ = ["CARD", "INSTRUCTION", "LEVELS", "SPLITS", "Split", "draw_problem", "load", "split_of"]

CARD = BenchmarkCard(
    name="arithmetic",
    title="Arithmetic",
    env_id="TTRL-Arithmetic-v0",
    answer_format="integer",
    licence="MIT (part of this package)",
    made_by="this package",
    held_out_split="held_out",
)

Split = Literal["train", "held_out", "practice"]
SPLITS: tuple[str, ...] = get_args(Split)
LEVELS = (1, 2, 3, 4, 5)
INSTRUCTION = "\nPut the answer in \\boxed{}."

_BY_LEVEL = {level: [t for t in TEMPLATES if t.level == level] for level in LEVELS}
_TRIES_PER_QUESTION = 200


def split_of(problem: Problem) -> str:
    """Returns the split of a problem: `"train"`, `"held_out"` or `"practice"`.

    The split follows from a hash of the wording and the numbers alone, so no two splits share a
    problem, whatever the seeds they were drawn with, nor do problems that differ in names only.
    `"practice"` is what the tiny reasoner was taught on.
    """
    digest = hashlib.blake2b(problem.signature.encode(), digest_size=2).digest()
    bucket = int.from_bytes(digest, "big") % 10
    return "train" if bucket < 2 else "held_out" if bucket < 4 else "practice"


def draw_problem(rng: np.random.Generator, level: int) -> Problem:
    """Draws a problem of a level, of any split."""
    templates = _BY_LEVEL[level]
    return templates[rng.integers(len(templates))].draw(rng)


def load(split: Split = "train", size: int = 100, seed: int = 0) -> Benchmark:
    """Generates one split of the arithmetic benchmark.

    Args:
        split: `"train"`, `"held_out"` or `"practice"`; they share no question.
        size: The number of questions, spread evenly over the five levels; 5 to 5,000.
        seed: Names the draw; another seed draws other questions of the same split.

    Returns:
        The benchmark, level 1 first. Labels are exact whole numbers.

    Raises:
        BenchmarkError: The split or the size does not exist.

    >>> benchmark = load("train", size=10)
    >>> len(benchmark), benchmark.answer_format, benchmark.labels
    (10, 'integer', <10 sealed labels>)
    """
    if split not in SPLITS:
        raise unknown_name("split of the arithmetic benchmark", str(split), SPLITS)
    if not len(LEVELS) <= size <= 5_000:
        raise BenchmarkError(f"The arithmetic benchmark has 5 to 5000 questions, not {size}.")
    questions: list[Question] = []
    labels: dict[str, str] = {}
    for level in LEVELS:
        count = size // len(LEVELS) + (level <= size % len(LEVELS))
        for i, problem in enumerate(_draw_distinct(split, level, count, seed)):
            question = Question(f"{split}-{seed}-L{level}-{i:03d}", problem.text, level)
            questions.append(question)
            labels[question.id] = str(problem.answer)
    return Benchmark(
        name="arithmetic" if split == "train" else f"arithmetic-{split}",
        questions=tuple(questions),
        labels=SealedLabels(labels),
        answer_format="integer",
        instruction=INSTRUCTION,
    )


def _draw_distinct(split: str, level: int, count: int, seed: int) -> list[Problem]:
    rng = np.random.default_rng(np.random.SeedSequence([seed, SPLITS.index(split), level]))
    drawn: dict[str, Problem] = {}
    for _ in range(_TRIES_PER_QUESTION * count):
        if len(drawn) == count:
            break
        problem = draw_problem(rng, level)
        if split_of(problem) == split:
            drawn.setdefault(problem.signature, problem)
    else:
        raise BenchmarkError(
            f"Level {level} of split {split!r} has fewer than {count} different questions; "
            "ask for a smaller size."
        )
    return list(drawn.values())


register_benchmark(CARD, load)
