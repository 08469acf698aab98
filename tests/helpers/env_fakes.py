"""What the tests of the environments share: small benchmarks and a policy that needs no model."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ttrl_benchmarks import Benchmark, Question, SealedLabels
from ttrl_env import Completion
from ttrl_env.consensus import Ballot, hold_vote

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


def measured(values: Sequence[int], seed: int = 0) -> list[Completion]:
    """Completions with these answers, -1 for none, and all that a sampler may tell of them."""
    rng = np.random.default_rng(seed)
    completions = []
    for value in values:
        length = int(rng.integers(1, 9))
        work = f"2 + 2 = {rng.integers(4, 6)}. "  # right, or wrong by one
        completions.append(
            Completion(
                work + (NO_ANSWER if value < 0 else boxed(value)),
                token_ids=rng.integers(0, 99, length),
                log_probs=-rng.random(length),
                finished=bool(rng.random() < 0.9),
                entropies=rng.random(length),
                self_certainties=5 + rng.random(length),
            )
        )
    return completions


def vote(
    texts: Sequence[str], question: int = 0, position: int = 0, variants: object = None
) -> Ballot:
    """The ballot of these completions of a question of `sums`."""
    benchmark = sums()
    return hold_vote(texts, benchmark.questions[question], benchmark, position, variants)


def vote_of(values: Sequence[int], **known: object) -> Ballot:
    """The ballot of these answers, -1 for none; `known` has one value a token, for each of them."""
    texts = [NO_ANSWER if value < 0 else boxed(value) for value in values]
    columns = {name: list(rows) for name, rows in known.items() if name != "variants"}
    completions = [
        Completion(text, **{name: rows[i] for name, rows in columns.items()})
        for i, text in enumerate(texts)
    ]
    return vote(completions, variants=known.get("variants"))


def question_ids(infos: dict[str, Sequence[str]]) -> list[str]:
    return list(infos["question_id"])


def through_pickle(value: T) -> T:
    copy: T = pickle.loads(pickle.dumps(value))  # noqa: S301 - made a moment ago, by us
    return copy
