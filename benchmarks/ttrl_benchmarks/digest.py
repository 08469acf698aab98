"""Fingerprints: of what a benchmark says, and of a file's bytes.

- `content_digest`: of questions and labels, whatever file format carries them.
- `label_digest`: of labels alone, whoever transcribed the questions.
- `prompts_digest`: of prompts alone, as a model sees them.
- `file_sha256`: of a file's bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from ttrl_benchmarks.base import Benchmark
from ttrl_benchmarks.columns import normalized_text

__all__ = ["content_digest", "file_sha256", "label_digest", "prompts_digest"]


def content_digest(benchmark: Benchmark) -> str:
    """Returns a fingerprint of a benchmark's questions and labels, in their order.

    Two files give the same digest when they ask the same questions with the same labels, be they
    JSON or Parquet, with `025` or `25`, with a trailing space or without. Levels and ids have no
    part in it, nor has the instruction.

    Returns:
        64 hexadecimal digits.
    """
    texts = [normalized_text(question.text) for question in benchmark.questions]
    return _digest(zip(texts, _labels(benchmark), strict=True))


def label_digest(benchmark: Benchmark) -> str:
    """Returns a fingerprint of a benchmark's labels, in the order of its questions.

    It recognises an exam by its answers, of which there is one list, where its questions have been
    transcribed by several hands.

    Returns:
        64 hexadecimal digits.
    """
    return _digest(_labels(benchmark))


def prompts_digest(benchmark: Benchmark) -> str:
    """Returns a fingerprint of the questions as a model sees them, in their order.

    Labels have no part in it: with them or without, it is the same training.

    Returns:
        64 hexadecimal digits.
    """
    return _digest([question.id, benchmark.prompt(question)] for question in benchmark.questions)


def _labels(benchmark: Benchmark) -> list[str | None]:
    # Only a digest comes of them, so this reader of labels leaks none.
    labels = (benchmark.labels.reveal(question.id) for question in benchmark.questions)
    return [None if label is None else normalized_text(label) for label in labels]


def _digest(values: Iterable[object]) -> str:
    digest = hashlib.sha256()
    for value in values:
        digest.update(json.dumps(value).encode() + b"\n")
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
