"""Fingerprints: of what a benchmark says, and of a file's bytes.

- `content_digest`: of questions and labels, whatever file format carries them.
- `file_sha256`, `git_blob_sha1`: of a file's bytes, as the Hugging Face Hub states them.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ttrl_benchmarks.base import Benchmark
from ttrl_benchmarks.columns import normalized_text

__all__ = ["content_digest", "file_sha256", "git_blob_sha1"]


def content_digest(benchmark: Benchmark) -> str:
    """Returns a fingerprint of a benchmark's questions and labels, in their order.

    Two files give the same digest when they ask the same questions with the same labels, be they
    JSON or Parquet, with `025` or `25`, with a trailing space or without. Levels and ids have no
    part in it, nor has the instruction.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for question in benchmark.questions:
        # A digest shows no label, so this reader of labels cannot leak one.
        label = benchmark.labels.reveal(question.id)
        pair = [normalized_text(question.text), None if label is None else normalized_text(label)]
        digest.update(json.dumps(pair).encode() + b"\n")
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_blob_sha1(path: Path) -> str:
    """Returns the id that git gives a file's content, in hexadecimal."""
    data = path.read_bytes()
    # SHA-1 because git names blobs by it; it guards against broken transfers, not forgery.
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
