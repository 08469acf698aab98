"""AIME 2024: the thirty problems of both papers, answers from 0 to 999.

- `CARD`: its source, size, licence and citation.
- `load`: its questions and sealed labels.
"""

from __future__ import annotations

import os

from ttrl_benchmarks.base import Benchmark
from ttrl_benchmarks.card import BenchmarkCard, HubFile
from ttrl_benchmarks.published import load_published

__all__ = ["CARD", "load"]

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
    content_digest="8227863b9ae9b8353c8f84d4641e23c451c21f1c2293fb73ccc61d6943ad7123",
    licence="none stated by the publisher",
    citation=(
        "Mathematical Association of America, American Invitational Mathematics Examination, "
        "2024; collected by AI-MO and Hugging Face H4."
    ),
)


def load(
    *,
    path: str | os.PathLike[str] | None = None,
    instruction: str | None = None,
) -> Benchmark:
    """Loads AIME 2024.

    Args:
        path: Its file, or a folder that holds it; otherwise it is looked for at hand.
        instruction: Replaces the paper's prompt instruction.

    Returns:
        30 questions, named `aime24/0` to `aime24/29` in the publisher's order.

    Raises:
        BenchmarkError: The file cannot be had, read or believed.
    """
    return load_published(CARD, path=path, instruction=instruction)
