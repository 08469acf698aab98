"""A second wording of each question, for rewards that compare two.

- `Rephrase`: what the option `rephrase` of the environments may be.
- `REPHRASINGS`: those that have a name.
- `resolve_rephrase`: any of them as a function of the question.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from ttrl_benchmarks import Benchmark, BenchmarkError, Question
from ttrl_benchmarks.arithmetic import rephrase as rephrase_arithmetic
from ttrl_benchmarks.errors import unknown_name

__all__ = ["REPHRASINGS", "Rephrase", "resolve_rephrase"]

Rephrase = str | Path | Mapping[str, str] | Callable[[str], str]
"""A name in `REPHRASINGS`, the path of a JSON file, paraphrases by the id or the text of their
question, or a function from the text of a question to another."""

REPHRASINGS: Mapping[str, Callable[[str], str]] = {"arithmetic": rephrase_arithmetic}


def resolve_rephrase(
    rephrase: Rephrase | None, benchmark: Benchmark
) -> Callable[[Question], Question] | None:
    """Returns what makes the second wording of a question; `None` for none.

    Args:
        rephrase: See `Rephrase`.
        benchmark: Whose questions; a mapping has to have a paraphrase of each of them.

    Raises:
        UnknownNameError: There is no rephrasing of this name.
        BenchmarkError: The file cannot be read, or paraphrases are missing.
        TypeError: It is none of the things that it may be.

    >>> from ttrl_benchmarks.arithmetic import load
    >>> benchmark = load(size=5)
    >>> other = resolve_rephrase("arithmetic", benchmark)(benchmark.questions[0])
    >>> other.id == benchmark.questions[0].id, other.text == benchmark.questions[0].text
    (True, False)
    """
    if rephrase is None:
        return None
    if isinstance(rephrase, str) and not rephrase.endswith(".json"):
        if rephrase not in REPHRASINGS:
            raise unknown_name("rephrasing (or a path that ends in .json)", rephrase, REPHRASINGS)
        rephrase = REPHRASINGS[rephrase]
    if isinstance(rephrase, str | Path):
        rephrase = _read(Path(rephrase))
    if isinstance(rephrase, Mapping):
        rephrase = _texts(rephrase, benchmark).__getitem__
    if not callable(rephrase):
        raise TypeError(
            "rephrase is a name, the path of a JSON file, a mapping or a function of text, not "
            f"{rephrase!r}"
        )
    return partial(_reword, rephrase)


def _reword(rephrase: Callable[[str], str], question: Question) -> Question:
    return replace(question, text=rephrase(question.text))


def _read(path: Path) -> Mapping[str, str]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"The paraphrases in {path} cannot be read: {error}") from error
    if not isinstance(read, dict) or not all(isinstance(text, str) for text in read.values()):
        raise BenchmarkError(
            f"{path} must hold one JSON object, with a paraphrase for the id or the text of each "
            "question."
        )
    return read


def _texts(paraphrases: Mapping[str, str], benchmark: Benchmark) -> dict[str, str]:
    """Paraphrases by text, of those given by id or by text."""
    found = {
        question.text: paraphrases.get(question.id, paraphrases.get(question.text))
        for question in benchmark.questions
    }
    known = {text: other for text, other in found.items() if other is not None}
    if len(known) < len(found):
        first = next(text for text, other in found.items() if other is None)
        raise BenchmarkError(
            f"Benchmark {benchmark.name!r}: {len(found) - len(known)} of {len(found)} questions "
            f"have no paraphrase, the first being {first[:80]!r}."
        )
    return known
