"""Benchmarks: questions that anyone may read, and labels that are sealed.

- `Question`: one question, without its label.
- `SealedLabels`: the ground truth of a benchmark; printed, compared or iterated, it shows nothing.
- `Benchmark`: questions, sealed labels, the answer format and the prompt instruction.
- `undecodable`: what in a text is half of a character.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from ttrl_benchmarks.errors import BenchmarkError

__all__ = [
    "ANSWER_FORMATS",
    "AnswerFormat",
    "Benchmark",
    "Question",
    "SealedLabels",
    "undecodable",
]

AnswerFormat = Literal["integer", "latex", "choice", "text"]
ANSWER_FORMATS: tuple[AnswerFormat, ...] = get_args(AnswerFormat)


@dataclass(frozen=True, slots=True)
class Question:
    """One question, without its label.

    Attributes:
        id: Names the question within its benchmark, and is unique there.
        text: The question as its publisher wrote it, without any instruction.
        level: Difficulty from 1 (easiest) to 5, or `None` where the benchmark has no levels.
        options: The options of a multiple-choice question, in the order of their letters; at
            most 26.
    """

    id: str
    text: str
    level: int | None = None
    options: tuple[str, ...] | None = None


class SealedLabels:
    """The ground truth of a benchmark, kept where no reward can read it by accident.

    Only `reveal` opens it, one question at a time, so that a search for `reveal(` finds every
    reader: label metrics, evaluation, the metrics and validation of other libraries' trainers,
    the rewards `oracle` and `label_budget`, and the digest that shows whether a file is the
    benchmark that it claims to be.

    Args:
        labels: The label of each question, by question id. Questions may be missing.

    >>> labels = SealedLabels({"q1": "42"})
    >>> labels
    <1 sealed labels>
    >>> labels.reveal("q1"), labels.reveal("q2")
    ('42', None)
    """

    __slots__ = ("_labels",)

    def __init__(self, labels: Mapping[str, str] | None = None) -> None:
        self._labels: dict[str, str] = dict(labels or {})

    def reveal(self, question_id: str) -> str | None:
        """Returns the label of a question, or `None` where it has none."""
        return self._labels.get(question_id)

    def restricted_to(self, question_ids: Iterable[str]) -> SealedLabels:
        """Returns the labels of these questions alone, still sealed."""
        return SealedLabels({i: self._labels[i] for i in question_ids if i in self._labels})

    def merged_with(self, other: SealedLabels) -> SealedLabels:
        """Returns the labels of both, still sealed; `other` wins where both have one."""
        return SealedLabels({**self._labels, **other._labels})

    def __len__(self) -> int:
        return len(self._labels)

    def __repr__(self) -> str:
        return f"<{len(self._labels)} sealed labels>"


@dataclass(frozen=True)
class Benchmark:
    """Questions in a fixed order, with sealed labels.

    Attributes:
        name: The benchmark's short name, e.g. `"aime24"`.
        questions: The questions; at least one, their ids unique.
        labels: The ground truth, sealed. May cover some questions, or none.
        answer_format: How answers are extracted and compared: `"integer"`, `"latex"`,
            `"choice"` or `"text"`.
        instruction: What is appended to each question to make its prompt.

    Raises:
        BenchmarkError: There is no question, a duplicate id, half of a character in a text, or the
            answer format is unknown.

    >>> benchmark = Benchmark(
    ...     name="two sums",
    ...     questions=(Question("a", "What is 1 + 1?"), Question("b", "What is 2 + 2?")),
    ...     labels=SealedLabels({"a": "2", "b": "4"}),
    ...     answer_format="integer",
    ... )
    >>> len(benchmark), benchmark.unlabeled().labels
    (2, <0 sealed labels>)
    """

    name: str
    questions: tuple[Question, ...]
    labels: SealedLabels = field(default_factory=SealedLabels, compare=False)
    answer_format: AnswerFormat = "latex"
    instruction: str = ""

    def __post_init__(self) -> None:
        if not self.questions:
            raise BenchmarkError(f"Benchmark {self.name!r} has no questions.")
        if self.answer_format not in ANSWER_FORMATS:
            raise BenchmarkError(
                f"Benchmark {self.name!r}: unknown answer format {self.answer_format!r}; "
                f"use one of {', '.join(ANSWER_FORMATS)}."
            )
        seen: set[str] = set()
        for question in self.questions:
            if question.id in seen:
                raise BenchmarkError(
                    f"Benchmark {self.name!r}: duplicate question id "
                    f"{question.id!r}; ids must be unique."
                )
            seen.add(question.id)
            half = undecodable("".join((question.id, question.text, *(question.options or ()))))
            if half is not None:
                raise BenchmarkError(
                    f"Benchmark {self.name!r}: question {question.id!r} holds {half}, half of a "
                    "character, which no model can read; write the whole character."
                )

    def __len__(self) -> int:
        return len(self.questions)

    def prompt(self, question: Question) -> str:
        """Returns what the environment shows: the question, its lettered options, the instruction.

        >>> choice = Question("q", "Which is even?", options=("1", "2"))
        >>> print(Benchmark("one", (choice,), instruction=" Think.").prompt(choice))
        Which is even?
        <BLANKLINE>
        A) 1
        B) 2 Think.
        """
        if question.options is None:
            return question.text + self.instruction
        lettered = zip(string.ascii_uppercase, question.options, strict=False)
        options = "\n".join(f"{letter}) {option}" for letter, option in lettered)
        return f"{question.text}\n\n{options}{self.instruction}"

    def unlabeled(self) -> Benchmark:
        """Returns the same benchmark with every label deleted."""
        return replace(self, labels=SealedLabels())

    def filter(
        self, predicate: Callable[[Question], bool] | None = None, *, level: int | None = None
    ) -> Benchmark:
        """Returns the questions that satisfy `predicate` and have this `level`, in order.

        Raises:
            BenchmarkError: No question is left.
        """
        kept = tuple(
            question
            for question in self.questions
            if (level is None or question.level == level)
            and (predicate is None or predicate(question))
        )
        if not kept:
            levels = sorted({q.level for q in self.questions if q.level is not None})
            raise BenchmarkError(
                f"Benchmark {self.name!r}: no question is left by the filter "
                f"(level={level}; the benchmark has levels {levels or 'none'})."
            )
        return self._with(kept)

    def split(self, fraction: float, seed: int = 0) -> tuple[Benchmark, Benchmark]:
        """Splits the questions in two that share none, at random by `seed`.

        Args:
            fraction: The share of questions in the first part, in (0, 1).
            seed: Names the split.

        Returns:
            Both parts, each in the order of the benchmark.

        Raises:
            BenchmarkError: One part would be empty.
        """
        size = round(fraction * len(self))
        if not 0 < size < len(self):
            raise BenchmarkError(
                f"Benchmark {self.name!r}: a fraction of {fraction} splits {len(self)} questions "
                f"into {size} and {len(self) - size}; both parts need at least one."
            )
        order = np.random.default_rng(np.random.SeedSequence(seed)).permutation(len(self))
        first = set(order[:size].tolist())
        return (
            self._with(tuple(q for i, q in enumerate(self.questions) if i in first)),
            self._with(tuple(q for i, q in enumerate(self.questions) if i not in first)),
        )

    def concatenate(self, *others: Benchmark, name: str | None = None) -> Benchmark:
        """Returns the questions of this benchmark and then of the others, labels still sealed.

        Args:
            *others: Benchmarks with the same answer format and instruction; no question id may
                be in two of them.
            name: The name of the whole; otherwise the names joined by `+`.

        Raises:
            BenchmarkError: The benchmarks do not fit together.

        >>> one = Benchmark("one", (Question("a", "What is 1 + 1?"),))
        >>> two = Benchmark("two", (Question("b", "What is 2 + 2?"),))
        >>> one.concatenate(two).name
        'one+two'
        """
        name = "+".join(part.name for part in (self, *others)) if name is None else name
        for other in others:
            for attribute in ("answer_format", "instruction"):
                mine, theirs = getattr(self, attribute), getattr(other, attribute)
                if mine != theirs:
                    raise BenchmarkError(
                        f"Benchmark {other.name!r} has {attribute} {theirs!r}, and {self.name!r} "
                        f"has {mine!r}; load both with the same one to concatenate them."
                    )
        labels = self.labels
        for other in others:
            labels = labels.merged_with(other.labels)
        questions = tuple(q for part in (self, *others) for q in part.questions)
        return replace(self, name=name, questions=questions, labels=labels)

    def _with(self, questions: tuple[Question, ...]) -> Benchmark:
        labels = self.labels.restricted_to(question.id for question in questions)
        return replace(self, questions=questions, labels=labels)


def undecodable(text: str) -> str | None:
    r"""Returns the escape of the first half of a surrogate pair in a text, or `None`.

    JSON can hold such halves, and no file, terminal or tokenizer can.

    >>> undecodable("a\ud800b"), undecodable("aé😀")
    ('\\ud800', None)
    """
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"\\u{ord(text[error.start]):04x}"
    return None
