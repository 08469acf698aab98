"""What the tests of the environments share: small benchmarks and a policy that needs no model."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ttrl_benchmarks import Benchmark, Question, SealedLabels

T = TypeVar("T")
ASK_FOR = " Answer in \\boxed{}."
NO_ANSWER = "No idea at all."


def sums(size: int = 5, *, labelled: bool = True) -> Benchmark:
    """Questions `0 + 1`, `1 + 1`, ... with their sums as labels."""
    questions = tuple(Question(f"sum-{i}", f"What is {i} + 1?") for i in range(size))
    labels = {f"sum-{i}": str(i + 1) for i in range(size)} if labelled else {}
    return Benchmark("sums", questions, SealedLabels(labels), "integer", ASK_FOR)


def boxed(answer: object) -> str:
    return f"So the answer is \\boxed{{{answer}}}."


def guesses(count: int, seed: int, *, spread: int = 3) -> list[str]:
    """Completions that agree by chance; some hold no answer at all."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-1, spread, size=count)
    return [NO_ANSWER if value < 0 else boxed(value) for value in values]


def question_ids(infos: dict[str, Sequence[str]]) -> list[str]:
    return list(infos["question_id"])


def through_pickle(value: T) -> T:
    copy: T = pickle.loads(pickle.dumps(value))  # noqa: S301 - made a moment ago, by us
    return copy
