"""Labels that hold a number and are compared as text all the same.

- `warn_of_text_labels`: warns of them.

`18 apples` is read as 18; of `18 apples in total` nothing is, and no answer but these very words
is right.
"""

from __future__ import annotations

import re
import warnings

from ttrl_benchmarks import Benchmark, BenchmarkWarning
from ttrl_env.answers.keys import read

__all__ = ["warn_of_text_labels"]

_DIGIT = re.compile(r"\d")
_LOOKED_AT = 10_000


def warn_of_text_labels(benchmark: Benchmark) -> None:
    """Warns where labels hold a number and are compared as text, word by word.

    Args:
        benchmark: The questions; of another answer format than `latex` nothing is said.

    Warns:
        BenchmarkWarning: There are such labels; the first is named.
    """
    if benchmark.answer_format != "latex":
        return
    known = [
        (question.id, label)
        for question in benchmark.questions[:_LOOKED_AT]
        if (label := benchmark.labels.reveal(question.id)) is not None
    ]
    texts = [
        (question_id, label)
        for question_id, label in known
        if _DIGIT.search(label) and read(label, "latex").kind == "text"
    ]
    if texts:
        question_id, label = texts[0]
        warnings.warn(
            f"Labels that hold a number and are compared as text: {len(texts)} of {len(known)}, "
            f"the first that of question {question_id!r} ({label[:60]!r}). Only the same words are "
            "right; write the number alone, and ask `ttrl grade LABEL ANSWER` how a label is read.",
            BenchmarkWarning,
            stacklevel=2,
        )
