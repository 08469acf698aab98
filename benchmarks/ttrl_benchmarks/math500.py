"""MATH-500: 500 problems of the MATH test set in five levels, each a benchmark of its own too.

- `CARD`: the source, size, licence and citation of all 500.
- `LEVEL_CARDS`: the same of each level.
- `load`: the questions and sealed labels of all, or of one level.
"""

from __future__ import annotations

import os
from dataclasses import replace

from ttrl_benchmarks.base import Benchmark
from ttrl_benchmarks.card import BenchmarkCard, HubFile
from ttrl_benchmarks.columns import (
    ID,
    LEVEL,
    level_cell,
    optional_column,
    required_column,
    text_cell,
)
from ttrl_benchmarks.entries import register_benchmark
from ttrl_benchmarks.errors import BenchmarkError
from ttrl_benchmarks.published import Located, check_content, locate, question_table
from ttrl_benchmarks.tables import Table, read_table

__all__ = ["CARD", "LEVEL_CARDS", "load"]

CARD = BenchmarkCard(
    name="math500",
    title="MATH-500",
    env_id="TTRL-MATH500-v0",
    answer_format="latex",
    size=500,
    levels=(1, 2, 3, 4, 5),
    hub=HubFile(
        repo_id="HuggingFaceH4/MATH-500",
        revision="6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be",
        filename="test.jsonl",
        sha256="35dc41080a3680858b27fa7e0533d2d547825316fc5dafe5d316f4ccc5a06132",
    ),
    file_names=("MATH-TTT.json",),
    content_digests=("127c95d115a218d75497eba38bd2a4e9de862a1cd2525a3fc4422c148dfb3d57",),
    licence="none stated by the publisher; MIT at its source, PRM800K",
    citation=(
        "Hendrycks et al., Measuring Mathematical Problem Solving With the MATH Dataset, 2021; "
        "the 500 chosen by Lightman et al., Let's Verify Step by Step, 2023."
    ),
)
# The reference implementation ships each level as a file of its own, without a level column.
LEVEL_FILE = "MATH-L{level}-TTT.json"
_LEVELS = {  # size and content digest
    1: (43, "3ed6d83ce82ca7abbba5187e071ccd1f7dc5f086269701b419ff06587719738a"),
    2: (90, "9667445a4788a4dbc96b8fc7d622e67d5615bb1c5e22826d82e930f523b590f8"),
    3: (105, "239e86726ed814dc164190720dcfd3f6480956b69a7dff7c24a19b43416daab0"),
    4: (128, "e73cf2f5370656d07366eb8a70751292a8148dc546baa1edf1e83424a5771bf3"),
    5: (134, "f0170db24ce2e5637ad7766cc995f5bb9957c015ffb9c3d8a9d0674fd9d16314"),
}
LEVEL_CARDS = {
    level: replace(
        CARD,
        name=f"math500-l{level}",
        title=f"MATH-500 level {level}",
        env_id=f"TTRL-MATH500-L{level}-v0",
        size=size,
        levels=(level,),
        file_names=(LEVEL_FILE.format(level=level), *CARD.file_names),
        content_digests=(digest,),
    )
    for level, (size, digest) in _LEVELS.items()
}


def load(
    *,
    level: int | None = None,
    path: str | os.PathLike[str] | None = None,
    instruction: str | None = None,
    download: bool = True,
) -> Benchmark:
    """Loads MATH-500, or one level of it.

    Levels come from the file's `level` column, as its publisher has it, or from the five files
    `MATH-L1-TTT.json` to `MATH-L5-TTT.json` beside it, as the reference implementation ships
    them. Without either, all 500 have no level.

    Args:
        level: One level from 1 to 5, or all of them.
        path: The file, or a folder that holds it; otherwise it is looked for here and
            downloaded. A file of one level will do for that level.
        instruction: Replaces the paper's prompt instruction.
        download: Whether it may be downloaded.

    Returns:
        The questions in the publisher's order, under the publisher's ids.

    Raises:
        BenchmarkError: The file cannot be found or read, is not the right one, or lacks levels
            where one is asked for.
    """
    if level is not None and level not in LEVEL_CARDS:
        raise BenchmarkError(f"MATH-500 has levels 1 to 5, not {level!r}; choose one of them.")
    card = CARD if level is None else LEVEL_CARDS[level]
    located = locate(card, path, download=download)
    table = read_table(located.path)
    levels = _levels_of(table, located, level)
    benchmark = question_table(card, table, ids=_ids(table), levels=levels, instruction=instruction)
    if level is not None:
        if levels is None:
            raise BenchmarkError(
                f"{located.path}: has no level column, and the five files "
                f"{LEVEL_FILE.format(level=1)} to {LEVEL_FILE.format(level=5)} are not "
                f"beside it; give a file with levels, or {LEVEL_FILE.format(level=level)} itself."
            )
        benchmark = benchmark.filter(level=level)
    return check_content(card, benchmark, located)


def _levels_of(table: Table, located: Located, level: int | None) -> list[int | None] | None:
    column = optional_column(table, "level", LEVEL)
    if column is not None:
        return [level_cell(table, row, column) for row in table.rows]
    if level is not None and located.path.name == LEVEL_FILE.format(level=level):
        return [level] * len(table.rows)
    files = {n: located.path.parent / LEVEL_FILE.format(level=n) for n in CARD.levels}
    if not all(file.is_file() for file in files.values()):
        return None
    level_of = {
        question_id: n for n, file in files.items() for question_id in _ids(read_table(file))
    }
    missing = [i for i in _ids(table) if i not in level_of]
    if missing:
        raise BenchmarkError(
            f"{located.path}: question {missing[0]!r} is in none of the level files beside "
            "it; move the file away from them, or give one with a level column."
        )
    return [level_of[i] for i in _ids(table)]


def _ids(table: Table) -> list[str]:
    column = required_column(table, "id", ID)
    ids = []
    for row in table.rows:
        question_id = text_cell(table, row, column)
        if question_id is None:
            raise BenchmarkError(
                f"{table.path}, {row.place}: column {column!r} is blank; give every row its id."
            )
        ids.append(question_id)
    return ids


register_benchmark(CARD, load)
for _level, _card in LEVEL_CARDS.items():
    register_benchmark(_card, load, level=_level)
