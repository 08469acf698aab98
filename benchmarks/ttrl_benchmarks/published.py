"""Published benchmarks: finding the file, reading it, and checking what it holds.

- `DATA_DIR_VARIABLE`: the environment variable that names a folder of local files.
- `Located`: a benchmark's file and how it was come by.
- `looked_for`: the names that its file may have in a folder.
- `find_at_hand`: its file in `TTRL_DATA_DIR`.
- `locate`: the file given, a local one, the cached download or a fresh one, in that order.
- `PublishedLoader`: all of it at once, the `load` of a benchmark without peculiarities.
- `question_table`: rows to questions and labels, by the usual columns.
- `assemble`: questions and labels to a benchmark.
- `check_content`: holds questions and labels against what the card says of them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ttrl_benchmarks.base import Benchmark, Question, SealedLabels
from ttrl_benchmarks.card import BenchmarkCard
from ttrl_benchmarks.columns import (
    ANSWER,
    QUESTION,
    clean_label,
    required_column,
    text_cell,
)
from ttrl_benchmarks.digest import content_digest, label_digest
from ttrl_benchmarks.duplicates import check_duplicates
from ttrl_benchmarks.errors import BenchmarkError, BenchmarkWarning
from ttrl_benchmarks.hub import cached_file, fetch_file, matches
from ttrl_benchmarks.tables import SUFFIXES, Table, read_table

__all__ = [
    "DATA_DIR_VARIABLE",
    "Located",
    "PublishedLoader",
    "assemble",
    "check_content",
    "find_at_hand",
    "locate",
    "looked_for",
    "question_table",
]

DATA_DIR_VARIABLE = "TTRL_DATA_DIR"


@dataclass(frozen=True, slots=True)
class Located:
    """A benchmark's file and how it was come by.

    Attributes:
        path: The file.
        origin: `"given"` by `path=`, `"local"`, in `TTRL_DATA_DIR`, or `"downloaded"` and
            verified, now or before.
    """

    path: Path
    origin: Literal["given", "local", "downloaded"]


def locate(
    card: BenchmarkCard, path: str | os.PathLike[str] | None = None, *, download: bool = True
) -> Located:
    """Finds a benchmark's file: the one given, else a local one, else cached, else downloaded.

    Args:
        card: The benchmark.
        path: A file, or a folder to look in by `looked_for`.
        download: Whether it may be downloaded.

    Raises:
        BenchmarkError: The path or `TTRL_DATA_DIR` does not exist, the folder given lacks the
            file, or the file cannot be found.
    """
    if path is not None:
        given = Path(path).expanduser()
        if given.is_file():
            return Located(given, "given")
        if not given.is_dir():
            raise BenchmarkError(f"{given}: there is no such file or folder; check path=.")
        found = _find_in(given, card)
        if found is None:
            raise BenchmarkError(
                f"{given}: holds no file of {card.title}; looked for "
                f"{', '.join(looked_for(card))}; give the file itself as path=."
            )
        return Located(found, "given")
    at_hand = find_at_hand(card)
    if at_hand is not None:
        return Located(at_hand, "local")
    if card.hub is None:
        raise BenchmarkError(f"{card.title} has no publisher; give its file as path=.")
    if download:
        return Located(fetch_file(card.hub, card.title), "downloaded")
    cached = cached_file(card.hub)
    if cached is None:
        raise BenchmarkError(
            f"{card.title} is not on this machine and download=False; run "
            f"`ttrl fetch {card.name}`, give its file as path=, or set {DATA_DIR_VARIABLE} to a "
            "folder that holds it."
        )
    return Located(cached, "downloaded")


def find_at_hand(card: BenchmarkCard) -> Path | None:
    """Returns the benchmark's file in `TTRL_DATA_DIR`, or `None` where there is none.

    Raises:
        BenchmarkError: `TTRL_DATA_DIR` is set, and is not a folder.
    """
    value = os.environ.get(DATA_DIR_VARIABLE)
    if not value:
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise BenchmarkError(f"{DATA_DIR_VARIABLE}={value}: there is no such folder; correct it.")
    return _find_in(folder, card)


def question_table(
    card: BenchmarkCard,
    table: Table,
    *,
    ids: Sequence[str] | None = None,
    levels: Sequence[int | None] | None = None,
    instruction: str | None = None,
) -> Benchmark:
    """Makes a benchmark of rows that have a question and an answer in the usual columns.

    Args:
        card: The benchmark.
        table: Its rows.
        ids: The id of each row; otherwise the benchmark's name and the row's index.
        levels: The level of each row, where the benchmark has levels.
        instruction: Replaces the card's instruction.

    Raises:
        BenchmarkError: A column, a question or a label is missing, or a question is duplicate.
    """
    question_column = required_column(table, "question", QUESTION)
    answer_column = required_column(table, "answer", ANSWER)
    questions: list[Question] = []
    labels: dict[str, str] = {}
    for index, row in enumerate(table.rows):
        text = text_cell(table, row, question_column)
        label = text_cell(table, row, answer_column)
        if text is None or label is None:
            column = question_column if text is None else answer_column
            raise BenchmarkError(
                f"{table.path}, {row.place}: column {column!r} is blank; {card.title} has a "
                "question and an answer in every row."
            )
        question = Question(
            id=ids[index] if ids else f"{card.name}/{index}",
            text=text,
            level=levels[index] if levels else None,
        )
        questions.append(question)
        labels[question.id] = clean_label(label, card.answer_format, f"{table.path}, {row.place}")
    return assemble(card, table, questions, labels, instruction)


def assemble(
    card: BenchmarkCard,
    table: Table,
    questions: Sequence[Question],
    labels: Mapping[str, str],
    instruction: str | None,
) -> Benchmark:
    """Makes a benchmark of the questions and labels of a table, one question a row.

    Raises:
        BenchmarkError: There is a duplicate question.
    """
    check_duplicates(table, zip(table.rows, (q.text for q in questions), strict=True))
    return Benchmark(
        name=card.name,
        questions=tuple(questions),
        labels=SealedLabels(labels),
        answer_format=card.answer_format,
        instruction=card.instruction if instruction is None else instruction,
    )


def check_content(card: BenchmarkCard, benchmark: Benchmark, located: Located) -> Benchmark:
    """Holds questions and labels against what is known of the benchmark.

    The publisher's own file is known by its checksum, any other by its content. A file given by
    name may differ, with a warning; one found in `TTRL_DATA_DIR` may not.

    Returns:
        The benchmark.

    Raises:
        BenchmarkError: A local file does not hold this benchmark.
    """
    if located.origin == "downloaded":  # verified byte for byte
        return benchmark
    if card.size is not None and len(benchmark) != card.size:
        differs = f"holds {len(benchmark)} questions where {card.title} has {card.size}"
    elif (
        (card.hub is not None and matches(card.hub, located.path))
        or content_digest(benchmark) in card.content_digests
        or label_digest(benchmark) == card.label_digest
    ):
        return benchmark
    else:
        differs = f"its questions or labels are not those of {card.title}"
    if located.origin == "given":
        warnings.warn(
            f"{located.path}: {differs}; used all the same, as the path was given.",
            BenchmarkWarning,
            stacklevel=2,
        )
        return benchmark
    raise BenchmarkError(
        f"{located.path}: {differs}; remove or replace the file, "
        "or give it as path= to use it all the same."
    )


@dataclass(frozen=True, slots=True)
class PublishedLoader:
    """The `load` of a benchmark that has questions and answers in the usual columns.

    Attributes:
        card: The benchmark.
        arrange: Puts the rows of a file into the benchmark's order.
    """

    card: BenchmarkCard
    arrange: Callable[[Table], Table] = lambda table: table

    def __call__(
        self,
        *,
        path: str | os.PathLike[str] | None = None,
        instruction: str | None = None,
        download: bool = True,
    ) -> Benchmark:
        """Loads the benchmark.

        Args:
            path: Its file, or a folder that holds it; otherwise it is looked for here and
                downloaded.
            instruction: Replaces the paper's prompt instruction.
            download: Whether it may be downloaded.

        Returns:
            Its questions, named by the benchmark and their index, as `aime24/0`; its labels
            sealed.

        Raises:
            BenchmarkError: The file cannot be found or read, or is not the right one.
        """
        located = locate(self.card, path, download=download)
        table = self.arrange(read_table(located.path))
        benchmark = question_table(self.card, table, instruction=instruction)
        return check_content(self.card, benchmark, located)


def _find_in(folder: Path, card: BenchmarkCard) -> Path | None:
    candidates = (folder / name for name in looked_for(card))
    return next((path for path in candidates if path.is_file()), None)


def looked_for(card: BenchmarkCard) -> tuple[str, ...]:
    """Returns the file names under which a folder may hold a benchmark, in order."""
    return (*card.file_names, *(card.name + suffix for suffix in SUFFIXES))
