"""The arithmetic benchmark: which problems it holds, and in which split.

- `CARD`: what a listing says of it.
- `load`: one split as a `Benchmark`.
- `draw_problem`: one problem of a level at random.
- `split_of`: the split that a problem belongs to, whatever the seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
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
_MOST_PER_LEVEL = 1_000
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


def load(
    split: Split = "train",
    size: int = 100,
    seed: int = 0,
    *,
    level: int | None = None,
    levels: Sequence[int] | None = None,
) -> Benchmark:
    """Generates one split of the arithmetic benchmark.

    A level's questions depend on the split, the seed and the level alone: with the same seed, the
    questions of level 3 among all levels are the first of those with `level=3`.

    Args:
        split: `"train"`, `"held_out"` or `"practice"`; they share no question.
        size: The number of questions, spread evenly over the levels; from 1 to 1,000 a level.
        seed: Names the draw; another seed draws other questions of the same split.
        level: The one level of the questions, 1 to 5.
        levels: Several levels, in place of `level`; all five where neither is given.

    Returns:
        The benchmark, the lowest level first. Labels are exact whole numbers.

    Raises:
        BenchmarkError: The split, the size or a level does not exist, or `level` and `levels` are
            both given.

    >>> benchmark = load("train", size=10)
    >>> len(benchmark), benchmark.answer_format, benchmark.labels
    (10, 'integer', <10 sealed labels>)
    >>> [question.id for question in load(size=2, levels=[5, 3]).questions]
    ['train-0-L3-000', 'train-0-L5-000']
    """
    if split not in SPLITS:
        raise unknown_name("split of the arithmetic benchmark", str(split), SPLITS)
    chosen = _chosen_levels(level, levels)
    smallest, largest = len(chosen), _MOST_PER_LEVEL * len(chosen)
    if not smallest <= size <= largest:
        raise BenchmarkError(
            f"The arithmetic benchmark has {smallest} to {largest} questions of "
            f"{_listing(chosen)}, not {size}."
        )
    questions: list[Question] = []
    labels: dict[str, str] = {}
    for i, each in enumerate(chosen):
        count = size // len(chosen) + (i < size % len(chosen))
        for k, problem in enumerate(_draw_distinct(split, each, count, seed)):
            question = Question(f"{split}-{seed}-L{each}-{k:03d}", problem.text, each)
            questions.append(question)
            labels[question.id] = str(problem.answer)
    return Benchmark(
        name=_name(split, chosen),
        questions=tuple(questions),
        labels=SealedLabels(labels),
        answer_format="integer",
        instruction=INSTRUCTION,
    )


def _chosen_levels(level: int | None, levels: Sequence[int] | None) -> tuple[int, ...]:
    """Returns the levels that are asked for, the lowest first."""
    if level is not None and levels is not None:
        raise BenchmarkError(
            f"level={level} and levels={list(levels)} are both given; give one of them."
        )
    if levels is None:
        levels = LEVELS if level is None else [level]
    chosen = tuple(sorted(levels))
    for each in chosen:
        if each not in LEVELS:
            raise BenchmarkError(
                f"The arithmetic benchmark has levels 1 to 5, not {each!r}; choose among them."
            )
    if not chosen or len(set(chosen)) < len(chosen):
        raise BenchmarkError(
            f"levels={list(chosen)} must name one or more of the levels 1 to 5, each once."
        )
    return chosen


def _name(split: str, levels: tuple[int, ...]) -> str:
    parts = ["arithmetic"]
    if split != "train":
        parts.append(split)
    if levels != LEVELS:
        parts.append("l" + "".join(map(str, levels)))
    return "-".join(parts)


def _listing(levels: tuple[int, ...]) -> str:
    if len(levels) == 1:
        return f"level {levels[0]}"
    return f"levels {', '.join(map(str, levels[:-1]))} and {levels[-1]}"


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
