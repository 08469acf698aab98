"""The questions of an environment: its benchmark, their prompts, and a place in their order.

- `resolve_benchmark`: a benchmark, or the name of one with its options.
- `prompt_of`: the prompt of a question, no longer than it may be.
- `check_reset`: what an environment is reset with.
- `check_position`: a place in the order of questions.
- `fresh_seed`: a seed for an environment that is reset without one.
- `MAX_LENGTH`: the most characters of a prompt or a completion, by default.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from ttrl_benchmarks import Benchmark, Question, UnknownNameError, load_benchmark
from ttrl_benchmarks.errors import unknown_name
from ttrl_env.prompt import Prompt

__all__ = [
    "MAX_LENGTH",
    "check_position",
    "check_reset",
    "fresh_seed",
    "prompt_of",
    "resolve_benchmark",
]

MAX_LENGTH = 2**20


def resolve_benchmark(
    benchmark: str | Benchmark, options: dict[str, Any], *makers: Callable[..., Any]
) -> Benchmark:
    """Returns a benchmark as it is, or the one of this name with these options.

    Args:
        benchmark: A benchmark, or the name of one.
        options: What is left of the arguments of an environment, for the benchmark.
        makers: What makes the environment: their own arguments may have been meant.

    Raises:
        TypeError: Options were given beside a benchmark that is loaded already.
        BenchmarkError: The named benchmark cannot be loaded.
    """
    if isinstance(benchmark, str):
        try:
            return load_benchmark(benchmark, **options)
        except UnknownNameError as error:
            own = [name for maker in makers for name in inspect.signature(maker).parameters]
            close = {match for each in options for match in get_close_matches(each, own, n=1)}
            if not close:
                raise
            names = ", ".join(map(repr, sorted(close)))
            raise UnknownNameError(f"{error} The environment itself takes {names}.") from None
    if options:
        raise TypeError(
            f"options {', '.join(sorted(options))} go with the name of a benchmark, "
            f"not with {benchmark.name!r}, which is loaded already"
        )
    return benchmark


def prompt_of(benchmark: Benchmark, question: Question, max_length: int) -> Prompt:
    """Returns the prompt of a question.

    Raises:
        ValueError: It has more than `max_length` characters.
    """
    prompt = Prompt(benchmark.prompt(question))
    if len(prompt) > max_length:
        raise ValueError(
            f"question {question.id!r} makes a prompt of {len(prompt)} characters, more than "
            f"max_length = {max_length}; pass a larger one"
        )
    return prompt


def check_reset(seed: Any, options: Any, known: Sequence[str]) -> dict[str, Any]:
    """Checks what an environment is reset with, and returns the options.

    Args:
        seed: A seed, a list of seeds, or `None`.
        options: The options, or `None`.
        known: The options that the environment has.

    Raises:
        TypeError: A seed is not a whole number, or the options are not a dictionary.
        UnknownNameError: There is no such option; the message lists those that there are.
    """
    seeds = (seed,) if isinstance(seed, str) or not isinstance(seed, Iterable) else seed
    for each in seeds:
        if each is not None and not isinstance(each, int | np.integer):
            raise TypeError(f"a seed must be a whole number, not {each!r}")
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise TypeError(f"the options of reset must be a dictionary, not {options!r}")
    for name in options:
        if name not in known:
            raise unknown_name("option of reset", str(name), known)
    return dict(options)


def check_position(position: Any) -> int | None:
    """Returns a place in the order of questions, or `None` where none is asked for.

    Raises:
        TypeError: It is not a whole number.
        ValueError: It is before the first.
    """
    if position is None:
        return None
    if not isinstance(position, int | np.integer):
        raise TypeError(f"position must be a whole number, not {position!r}")
    if position < 0:
        raise ValueError(f"position must be 0 or more, not {position}")
    return int(position)


def fresh_seed() -> int:
    """Returns a seed from the operating system's entropy."""
    return int(np.random.SeedSequence().generate_state(1)[0])
