"""The question sets of the twins: the tiny reasoner's own, each of its levels, and three others.

- `SETS`: their names, with what to say of each in tables.
- `QuestionSet`: one of them, as options of a run or an evaluation.
- `rephrased_lines`: the questions of the set that is a file, which `QuestionSet.write` writes.

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
        lines: Returns so many questions as the lines of a file; `None` where the environment has
            its own.
    """

    title: str
    env: str
    options: dict[str, Any] = field(default_factory=dict)
    lines: Callable[[int], list[str]] | None = None

    def of_run(self, size: int, folder: Path) -> dict[str, Any]:
        """Returns the options that `ttrl train` and `ttrl eval` share.

        Args:
            size: How many questions.
            folder: Where files of questions go.
        """
        if self.lines is None:
            return {"env": self.env, "env_options": {**self.options, "size": size}}
        data = self._file(size, folder)
        return {"env": self.env, "env_options": {}, "data": data, "instruction": INSTRUCTION}

    def write(self, size: int, folder: Path) -> None:
        """Writes the file of questions, where there is to be one and it is missing."""
        if self.lines is None or (path := self._file(size, folder)).is_file():
            return
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, "\n".join(self.lines(size)) + "\n")

    def _file(self, size: int, folder: Path) -> Path:
        return folder / f"{self.title}-{size}.jsonl"


def rephrased_lines(size: int) -> list[str]:
    """Returns held-out questions of arithmetic in their second wording, as JSON."""
    benchmark = load_benchmark("arithmetic", split="held_out", size=size, seed=1)
    return [
        json.dumps(
            {
                "id": question.id,
                "question": rephrase(question.text),
                "answer": benchmark.labels.reveal(question.id),
                "level": question.level,
            }
        )
        for question in benchmark.questions
    ]


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
    "rephrased": QuestionSet("rephrased", "TTRL-Questions-v0", lines=rephrased_lines),
    "sums": QuestionSet("Reasoning Gym sums", "TTRL-ReasoningGym-v0", _SUMS),
    **{
        f"level-{level}": QuestionSet(f"level {level}", ARITHMETIC, {"level": level})
        for level in LEVELS
    },
}
