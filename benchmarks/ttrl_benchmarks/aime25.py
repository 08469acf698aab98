"""AIME 2025: the thirty problems of both papers, answers from 0 to 999.

- `CARD`: its source, size, licence and citation.
- `load`: its questions and sealed labels, in the order of the exam.
"""

from __future__ import annotations

from ttrl_benchmarks.aime24 import in_exam_order
from ttrl_benchmarks.card import BenchmarkCard, HubFile
from ttrl_benchmarks.entries import register_benchmark
from ttrl_benchmarks.published import PublishedLoader

__all__ = ["CARD", "load"]

CARD = BenchmarkCard(
    name="aime25",
    title="AIME 2025",
    env_id="TTRL-AIME25-v0",
    answer_format="integer",
    size=30,
    hub=HubFile(
        repo_id="math-ai/aime25",
        revision="563bb8404243c5f09de6ec262f2db674fe5bce9b",
        filename="test.jsonl",
        sha256="b4e273c02d3e7fe1b74b59eae768fc8230bfb0f79539890cb56f4361caac0331",
    ),
    file_names=("AIME25-TTT.json",),
    content_digests=("4d093e97680070a73e9166993278703a71b41579f2a78cbcc738034630d84f17",),
    label_digest="d621e8bd5759637a8cd8533194e65ed5a0f2c7621c3cd9f2fa0ec157fed73bc2",
    licence="Apache-2.0",
    citation=(
        "Mathematical Association of America, American Invitational Mathematics Examination, "
        "2025; collected by Yifan Zhang and Team Math-AI."
    ),
)

load = PublishedLoader(CARD, arrange=in_exam_order)
register_benchmark(CARD, load)
