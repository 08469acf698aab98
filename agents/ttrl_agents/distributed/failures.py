"""The failures of a rank, as the other ranks raise them.

- `describe_failure`: an exception as plain values.
- `failure_of`: an exception for the same failure, on another rank.
- `mark_as_told`, `is_told`: whether the other ranks know of an exception.
- `LostRankError`: another rank has ended without a word.
- `DesertedError`: this rank has failed where the others cannot be told.
- `deserting`: what a rank raises for an error while a divided model runs.
- `losing_ranks`: a context in which PyTorch's errors about that become a `LostRankError`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch
from torch.distributed import DistError

from ttrl_agents.errors import AgentError, UserError

__all__ = [
    "DesertedError",
    "LostRankError",
    "describe_failure",
    "deserting",
    "failure_of",
    "is_told",
    "losing_ranks",
    "mark_as_told",
]

_TOLD = "told_to_other_ranks"


class LostRankError(RuntimeError):
    """Another process of the run has ended, or does not answer any more."""


class DesertedError(LostRankError):
    """This rank has failed while the others wait for it in an operation that it cannot join.

    It cannot tell them, so it has to end; they find that it is gone.
    """


@contextlib.contextmanager
def losing_ranks() -> Iterator[None]:
    """Raises what PyTorch's collective operations raise if a rank has ended as `LostRankError`."""
    try:
        yield
    except RuntimeError as error:
        raise mark_as_told(_lost(error)) from error


def _lost(error: Exception) -> LostRankError:
    return LostRankError(
        f"Another process of this run has ended ({str(error).splitlines()[0][:200]})."
    )


def deserting(error: Exception, rank: int) -> LostRankError:
    """Returns what a rank raises for an error while a divided model runs.

    Args:
        error: The error. PyTorch's own operations on divided models may have found that another
            rank is gone.
        rank: The rank that it was raised on.
    """
    if isinstance(error, DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error)):
        return _lost(error)
    return DesertedError(f"Rank {rank} failed in an update: {type(error).__name__}: {error}")


def mark_as_told(error: Exception) -> Exception:
    """Notes that all ranks know of an exception, and returns it."""
    setattr(error, _TOLD, True)
    return error


def is_told(error: Exception) -> bool:
    """Returns whether all ranks know of an exception, or of the one that it was raised from."""
    return getattr(error, _TOLD, False) or (
        isinstance(error.__cause__, Exception) and is_told(error.__cause__)
    )


def describe_failure(error: Exception) -> dict[str, Any]:
    """Returns what other ranks need to know of an exception."""
    kind = "other"
    if isinstance(error, UserError):
        kind = "user"
    elif isinstance(error, torch.OutOfMemoryError):
        kind = "memory"
    elif isinstance(error, OSError) and error.errno is not None:
        kind = "system"
    return {
        "kind": kind,
        "text": str(error),
        "type": type(error).__name__,
        "errno": getattr(error, "errno", None),
        "file": str(name) if (name := getattr(error, "filename", None)) else None,
    }


def failure_of(described: dict[str, Any], rank: int) -> Exception:
    """Returns an exception for a failure of another rank.

    Args:
        described: What `describe_failure` returned there.
        rank: The rank that failed.
    """
    kind, text = described["kind"], described["text"]
    if kind == "user":
        return AgentError(text)
    if kind == "memory":
        return torch.OutOfMemoryError(text)
    if kind == "system":
        code = described["errno"]
        return OSError(code, os.strerror(code), described["file"])
    return RuntimeError(f"rank {rank} failed: {described['type']}: {text}")
