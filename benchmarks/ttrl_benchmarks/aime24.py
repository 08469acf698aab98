"""AIME 2024: the thirty problems of both papers, answers from 0 to 999.

- `CARD`: its source, size, licence and citation.
- `in_exam_order`: the rows of whichever file in one order.
- `load`: its questions and sealed labels, in the order of the exam.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ttrl_benchmarks.card import BenchmarkCard, HubFile
from ttrl_benchmarks.entries import register_benchmark
from ttrl_benchmarks.published import PublishedLoader
from ttrl_benchmarks.tables import Table

__all__ = ["CARD", "in_exam_order", "load"]

_EXAM_PAGE = re.compile(r"_AIME_(?P<paper>II?)_Problems/Problem_(?P<problem>\d{1,2})$", re.ASCII)

CARD = BenchmarkCard(
    name="aime24",
    title="AIME 2024",
    env_id="TTRL-AIME24-v0",
    answer_format="integer",
    size=30,
    hub=HubFile(
        repo_id="HuggingFaceH4/aime_2024",
        revision="2fe88a2f1091d5048c0f36abc874fb997b3dd99a",
        filename="data/train-00000-of-00001.parquet",
        sha256="26139847601a5037c237d5928b195e7260ca8074cf4f264b794af42847f79ccf",
    ),
    file_names=("AIME-TTT.json",),
    # Of the reference implementation, and of AI-MO: four drawings and two words apart.
    content_digests=(
        "8227863b9ae9b8353c8f84d4641e23c451c21f1c2293fb73ccc61d6943ad7123",
        "b6b55954d41d6f294d6f5b39977910678707209f6013fd10b670a0554b795ef3",
    ),
    licence="none stated by the publisher",
    citation=(
        "Mathematical Association of America, American Invitational Mathematics Examination, "
        "2024; collected by AI-MO and Hugging Face H4."
    ),
)


def in_exam_order(table: Table) -> Table:
    """Puts rows that name their exam page into the order of the exam, and leaves others alone.

    The publisher sorts by the page's name, so that problem 10 follows problem 1; the reference
    implementation has the order of the exam. With this, both ask the same question at the same
    place.
    """
    keys = []
    for row in table.rows:
        match = _EXAM_PAGE.search(str(row.cells.get("url") or ""))
        if match is None:
            return table
        keys.append((match["paper"], int(match["problem"]), row.number))
    by_number = {row.number: row for row in table.rows}
    return replace(table, rows=tuple(by_number[number] for *_, number in sorted(keys)))


load = PublishedLoader(CARD, arrange=in_exam_order)
register_benchmark(CARD, load)
