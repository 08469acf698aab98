"""GPQA-Diamond: 198 graduate questions with four options, shuffled by seed and lettered A to D.

- `CARD`: its source, size, licence and citation.
- `load`: its questions and sealed labels.

Its authors ask that no question be shown in plain text where a crawler may find it: nothing of it
is in this package, and its publisher wants an accepted form and a token before a download.
"""

from __future__ import annotations

import os
import string

import numpy as np

from ttrl_benchmarks.base import Benchmark, Question
from ttrl_benchmarks.card import BenchmarkCard, HubFile
from ttrl_benchmarks.columns import optional_column, required_column, text_cell
from ttrl_benchmarks.entries import register_benchmark
from ttrl_benchmarks.errors import BenchmarkError
from ttrl_benchmarks.published import assemble, check_content, locate, question_table
from ttrl_benchmarks.tables import Row, Table, read_table

__all__ = ["CARD", "load"]

CARD = BenchmarkCard(
    name="gpqa",
    title="GPQA-Diamond",
    env_id="TTRL-GPQA-v0",
    answer_format="choice",
    size=198,
    hub=HubFile(
        repo_id="Idavidrein/gpqa",
        revision="633f5ee89ab8ad4522a9f850766b73f62147ffdd",
        filename="gpqa_diamond.csv",
        sha256="41d1213cd7a4998605a26c2798500652572007161b3a92817ba46b35befcd305",
        gated=True,
    ),
    file_names=("gpqa_diamond.csv", "GPQA-TTT.json"),
    licence="CC BY 4.0; its authors ask not to publish questions in plain text",
    citation=(
        "Rein et al., GPQA: A Graduate-Level Google-Proof Q&A Benchmark, 2023 (arXiv 2311.12022)."
    ),
)
CORRECT = ("correct answer",)
INCORRECT = tuple((f"incorrect answer {number}",) for number in (1, 2, 3))


def load(
    *,
    path: str | os.PathLike[str] | None = None,
    seed: int = 0,
    instruction: str | None = None,
    download: bool = True,
) -> Benchmark:
    """Loads GPQA-Diamond.

    Args:
        path: Its file, or a folder that holds it; otherwise it is looked for here and
            downloaded. A file whose prompts hold lettered options, as the reference
            implementation's do, is taken as it is.
        seed: Names the order of the options, question by question.
        instruction: Replaces the paper's prompt instruction.
        download: Whether it may be downloaded.

    Returns:
        198 questions, named `gpqa/0` to `gpqa/197` in the publisher's order; labels are letters.

    Raises:
        BenchmarkError: The file cannot be found or read, or is not the right one.
    """
    located = locate(CARD, path, download=download)
    table = read_table(located.path)
    if optional_column(table, "correct answer", CORRECT) is None and "prompt" in table.columns:
        if seed:
            raise BenchmarkError(
                f"{located.path}: the options of this file stand in its prompts in a fixed order; "
                "leave out seed=, or give the publisher's gpqa_diamond.csv."
            )
        benchmark = question_table(CARD, table, instruction=instruction)
    else:
        benchmark = _shuffled(table, seed, instruction)
    return check_content(CARD, benchmark, located)


def _shuffled(table: Table, seed: int, instruction: str | None) -> Benchmark:
    question_column = required_column(table, "question", ("question",))
    option_columns = [required_column(table, usual[0], usual) for usual in (CORRECT, *INCORRECT)]
    questions: list[Question] = []
    labels: dict[str, str] = {}
    for index, row in enumerate(table.rows):
        options = [_cell(table, row, column) for column in option_columns]
        order = np.random.default_rng(np.random.SeedSequence([seed, index])).permutation(4)
        question = Question(
            id=f"{CARD.name}/{index}",
            text=_cell(table, row, question_column),
            options=tuple(options[place] for place in order),
        )
        questions.append(question)
        labels[question.id] = string.ascii_uppercase[order.tolist().index(0)]
    return assemble(CARD, table, questions, labels, instruction)


def _cell(table: Table, row: Row, column: str) -> str:
    text = text_cell(table, row, column)
    if text is None:
        raise BenchmarkError(
            f"{table.path}, {row.place}: column {column!r} is blank; {CARD.title} has a question "
            "and four options in every row."
        )
    return text.strip()


register_benchmark(CARD, load)
