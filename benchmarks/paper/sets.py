"""The question sets of the twins: the tiny reasoner's own, each of its levels, and three others.

- `SETS`: their names, with what to say of each in tables.
- `QuestionSet`: one of them, as options of a run or an evaluation.
- `questions_file`: the file of the rephrased questions, written where it is missing.

`sums` needs the package reasoning-gym (the extra of that name).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ttrl_benchmarks import load_benchmark
from ttrl_benchmarks.arithmetic import LEVELS
from ttrl_benchmarks.arithmetic.benchmark import INSTRUCTION
from ttrl_benchmarks.arithmetic.second_wording import rephrase
from ttrl_env.files import write_atomically

ARITHMETIC = "TTRL-Arithmetic-v0"


@dataclass(frozen=True)
class QuestionSet:
    """Questions that a twin trains on or measures.

    Attributes:
        title: What tables call it.
        env: The environment.
        options: The options of the benchmark, but for its size.
        file: Writes the questions, of so many, into a folder, and returns the file; `None` where
            the environment has its own.
    """

    title: str
    env: str
    options: dict[str, Any] = field(default_factory=dict)
    file: Callable[[Path, int], Path] | None = None

    def of_run(self, size: int, folder: Path) -> dict[str, Any]:
        """Returns the options that `ttrl train` and `ttrl eval` share.

        Args:
            size: How many questions.
            folder: Where files of questions go.
        """
        if self.file is not None:
            data = self.file(folder, size)
            return {"env": self.env, "env_options": {}, "data": data, "instruction": INSTRUCTION}
        return {"env": self.env, "env_options": {**self.options, "size": size}}


def questions_file(folder: Path, size: int) -> Path:
    """Returns the file of rephrased questions: held-out arithmetic in a second wording."""
    path = folder / f"rephrased-{size}.jsonl"
    if not path.is_file():
        benchmark = load_benchmark("arithmetic", split="held_out", size=size, seed=1)
        lines = (
            json.dumps(
                {
                    "id": question.id,
                    "question": rephrase(question.text),
                    "answer": benchmark.labels.reveal(question.id),
                    "level": question.level,
                }
            )
            for question in benchmark.questions
        )
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, "\n".join(lines) + "\n")
    return path


_SUMS = {
    "task": "basic_arithmetic",
    "answer_format": "integer",
    "instruction": INSTRUCTION,
    "config": {
        "min_terms": 2,
        "max_terms": 4,
        "min_digits": 1,
        "max_digits": 2,
        "operators": ["+"],
        "allow_parentheses": False,
    },
}

SETS: dict[str, QuestionSet] = {
    "arithmetic": QuestionSet("arithmetic", ARITHMETIC),
    "rephrased": QuestionSet("rephrased", "TTRL-Questions-v0", file=questions_file),
    "sums": QuestionSet("Reasoning Gym sums", "TTRL-ReasoningGym-v0", _SUMS),
    **{
        f"level-{level}": QuestionSet(f"level {level}", ARITHMETIC, {"level": level})
        for level in LEVELS
    },
}
