"""Questions that are trained on and measured as held out.

- `warn_of_overlap`: warns of them.
"""

from __future__ import annotations

import warnings

from ttrl_benchmarks import Benchmark, BenchmarkWarning, Question

__all__ = ["warn_of_overlap"]


def warn_of_overlap(trained: Benchmark, held_out: Benchmark) -> None:
    """Warns where held-out questions are among those that are trained on.

    Args:
        trained: The questions to train on.
        held_out: Those that measure transfer.

    Warns:
        BenchmarkWarning: Some are the same, white space aside.
    """
    known = set(map(_text, trained.questions))
    shared = [question for question in held_out.questions if _text(question) in known]
    if shared:
        warnings.warn(
            f"Held-out questions that are also trained on: {len(shared)} of {len(held_out)}, the "
            f"first {shared[0].id!r}. What is measured on them is not transfer; take them out of "
            "--held-out-data, or hold out a share with --held-out.",
            BenchmarkWarning,
            stacklevel=2,
        )


def _text(question: Question) -> str:
    return " ".join("\n".join((question.text, *(question.options or ()))).split())
